// Faults as people write them: what is understood, and what a mistake is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from '../contract/errors.ts'
import { FAULT_KINDS } from '../contract/fault.ts'
import { KINDS } from '../faults/kinds.ts'
import { faultsOf } from './fault-option.ts'

const DCS = ['us-east', 'eu-west', 'ap-south']
const parse = (...faults: string[]) => faultsOf(faults, DCS, 20_000)

test('a fault is read whatever the order of its values and the number of its blanks', () => {
  assert.deepEqual(parse('  partition  us-east|eu-west   for=2s at=1.5s '), [
    {
      name: 'partition us-east|eu-west',
      kind: 'blackhole',
      target: { type: 'pair', a: 'us-east', b: 'eu-west' },
      startMs: 1500,
      lengthMs: 2000,
    },
  ])
  assert.deepEqual(parse('slow us-east>ap-south at=1s for=500ms bandwidth=8Mbit/s delay=200ms'), [
    {
      name: 'slow us-east>ap-south bandwidth=8Mbit/s delay=200ms',
      kind: 'slow',
      target: { type: 'link', from: 'us-east', to: 'ap-south' },
      startMs: 1000,
      lengthMs: 500,
      delayMs: 200,
      bandwidthBytesPerSecond: 1e6,
    },
  ])
})

test('a service may have the name of a link in its own', () => {
  const [{ target }] = parse('kill eu-west/cdc-us-east>eu-west at=1s for=1s')
  assert.deepEqual(target, { type: 'service', dc: 'eu-west', service: 'cdc-us-east>eu-west' })
})

test('the same fault twice has two names', () => {
  const names = parse('kill eu-west at=1s for=1s', 'kill eu-west at=5s for=1s').map(({ name }) => name)
  assert.deepEqual(names, ['kill eu-west', 'kill eu-west #2'])
})

test('the example of every kind is one that is understood', () => {
  for (const kind of FAULT_KINDS) assert.equal(parse(KINDS[kind].example)[0].kind, kind)
})

for (const [fault, sentence] of [
  ['kil eu-west at=1s for=1s', /is of no known kind: did you mean kill\?/],
  ['kill eu-wset at=1s for=1s', /names eu-wset, which is not in --dcs: did you mean eu-west\?/],
  ['cut us-east|eu-west at=1s for=1s', /needs one direction \(us-east>eu-west\) as its target/],
  ['partition us-east|us-east at=1s for=1s', /names one DC twice/],
  ['kill eu-west at=1s', /lacks for=<time>, as in 'kill eu-west at=5s for=2s'/],
  ['kill eu-west at=1 for=1s', /at=1, which is not a duration with its unit/],
  ['kill eu-west at=1s for=1s delay=3s', /has no value delay: choose one of at, for/],
  ['slow us-east>eu-west at=1s for=1s', /says nothing of the speed/],
  ['slow us-east>eu-west at=1s for=1s bandwidth=fast', /bandwidth=fast, which is not a bandwidth/],
  ['kill eu-west at=1s at=2s for=1s', /gives at twice/],
  ['kill eu-west at=19s for=2s', /ends after the measured phase of 20 s/],
  ['kill eu-west at=0s for=2s', /nothing before it to compare with/],
  ['kill eu-west soon', /has "soon" where <name>=<value> belongs/],
] as const) {
  test(`'${fault}' is refused in one sentence`, () => {
    assert.throws(
      () => parse(fault),
      (error) => error instanceof BenchError && error.code === 'USAGE' && sentence.test(error.message),
    )
  })
}
