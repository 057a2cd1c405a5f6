// Links as people write them: what they mean, how they lie over what holds for all, and how their errors read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BenchError } from '../contract/errors.ts'
import { linkBetween } from '../contract/topology.ts'
import { topologyOf } from '../systems.ts'
import { linksOf } from './links-option.ts'
import { parseScenario } from './scenario-schema.ts'

const SEED = 20261124
const DCS = ['us-east', 'eu-west', 'ap-south']

function sentenceOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof BenchError)
    assert.equal(error.code, 'USAGE')
    return error.message
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}

test('a link says delay, jitter and bandwidth in any order, and <> means both directions', () => {
  const expected = { delayMs: 90, jitterMs: 2, bandwidthBytesPerSecond: 50e6 }
  const there = { from: 'us-east', to: 'ap-south', ...expected }
  assert.deepEqual(linksOf(['us-east>ap-south: 90ms, 2ms jitter, 50MB/s'], DCS), [there])
  assert.deepEqual(linksOf(['us-east > ap-south:400Mbit/s,2ms jitter,90ms'], DCS), [there])
  assert.deepEqual(linksOf(['us-east<>ap-south: 90ms delay, 2ms jitter, 50MB/s bandwidth'], DCS), [
    there,
    { ...there, from: 'ap-south', to: 'us-east' },
  ])
  const object = { from: 'us-east', to: 'ap-south', both: true, delay: '90ms', jitter: '2ms', bandwidth: '50MB/s' }
  assert.equal(linksOf([object], DCS).length, 2)
  assert.deepEqual(linksOf([object], DCS)[0], there)
})

test('a topology takes what holds for all, then the links in their order, each only what it says', () => {
  const scenario = parseScenario({
    dcs: DCS.join(','),
    delay: '40ms',
    jitter: '1ms',
    bandwidth: '10MB/s',
    link: ['us-east<>ap-south: 90ms', 'us-east>ap-south: 5ms jitter', 'ap-south>us-east: 120ms, unlimited'],
  })
  const topology = topologyOf(scenario)
  assert.equal(topology.links.length, 6)
  const limit = { bandwidthBytesPerSecond: 10e6 }
  const between = (from: string, to: string) => linkBetween(topology, from, to)
  assert.deepEqual(between('us-east', 'eu-west'), {
    from: 'us-east',
    to: 'eu-west',
    delayMs: 40,
    jitterMs: 1,
    ...limit,
  })
  assert.deepEqual(between('us-east', 'ap-south'), {
    from: 'us-east',
    to: 'ap-south',
    delayMs: 90,
    jitterMs: 5,
    ...limit,
  })
  assert.deepEqual(between('ap-south', 'us-east'), { from: 'ap-south', to: 'us-east', delayMs: 120, jitterMs: 1 })
})

test('what is wrong with a link is one sentence that names the nearest right word', () => {
  assert.match(
    sentenceOf(() => linksOf(['us-eats>ap-south: 9ms'], DCS)),
    /did you mean us-east\?$/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east>us-east: 9ms'], DCS)),
    /name two DCs\.$/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east>ap-south: 9ms, 8ms'], DCS)),
    /delay twice/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east>ap-south: 9'], DCS)),
    /"9" where a bandwidth/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east>ap-south: 11s'], DCS)),
    /"11s" where a duration of at most 10 s/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east-ap-south'], DCS)),
    /for example --link/,
  )
  assert.match(
    sentenceOf(() => linksOf(['us-east>ap-south: '], DCS)),
    /empty part/,
  )
  assert.match(
    sentenceOf(() => linksOf([{ from: 'us-east', to: 'ap-south' }], DCS)),
    /says nothing of the link/,
  )
  assert.match(
    sentenceOf(() => linksOf([{ from: 'us-east', to: 'eu-west', dely: '9ms' }], DCS)),
    /did you mean delay\?$/,
  )
  assert.match(
    sentenceOf(() => linksOf([{ from: 'us-east', to: 'eu-west', delay: 9 }], DCS)),
    /text with its unit/,
  )
})

test('whatever is written, a link is understood or refused in one sentence', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const name = fc.constantFrom('us-east', 'eu-west', 'ap-south', 'ap-soth', '', 'x y')
  const part = fc.oneof(
    fc.constantFrom('9ms', '2ms jitter', '50MB/s', 'unlimited', '9', 'jitter', '-1ms', ''),
    fc.string(),
  )
  const written = fc
    .tuple(name, fc.constantFrom('>', '<>', '<', '-'), name, fc.array(part, { maxLength: 4 }))
    .map(([from, arrow, to, parts]) => `${from}${arrow}${to}: ${parts.join(', ')}`)
  fc.assert(
    fc.property(fc.oneof(written, fc.string()), (text) => {
      try {
        for (const link of linksOf([text], DCS)) assert.ok(DCS.includes(link.from) && DCS.includes(link.to))
      } catch (error) {
        assert.ok(error instanceof BenchError, String(error))
        assert.match(error.message, /[.?]$/)
      }
    }),
    { seed: SEED, numRuns: 500 },
  )
})
