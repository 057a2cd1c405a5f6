// Scenario files: the committed examples, and how the command line lies over a file.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { drivers } from '../../drivers/index.ts'
import { workloads } from '../../workloads/index.ts'
import { planBench } from '../bench.ts'
import { BenchError } from '../contract/errors.ts'
import { topologyOf } from '../systems.ts'
import { scenarioFrom } from './scenario-file.ts'
import { parseScenario } from './scenario-schema.ts'

const SEED = 20261125
const EXAMPLES = resolve(import.meta.dirname, '../../examples/scenarios')

function withFile(name: string, text: string, body: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-scenario-'))
  try {
    writeFileSync(join(folder, name), text)
    body(join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function refusalOf(path: string, typed: Readonly<Record<string, unknown>> = {}): BenchError {
  try {
    scenarioFrom({ ...typed, scenario: path })
  } catch (error) {
    assert.ok(error instanceof BenchError)
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}

for (const name of readdirSync(EXAMPLES)) {
  test(`examples/scenarios/${name} resolves to systems that exist`, async () => {
    const scenario = scenarioFrom({ scenario: join(EXAMPLES, name) })
    const { systems, estimate } = await planBench(scenario, { drivers, workloads })
    assert.ok(systems.length > 0)
    assert.equal(estimate.runs, systems.length * scenario.repeat)
  })
}

test('the file of three regions has the links that it shows', () => {
  const { links } = topologyOf(scenarioFrom({ scenario: join(EXAMPLES, 'three-regions.yaml') }))
  const shown = links.map(({ from, to, delayMs, jitterMs }) => `${from}>${to} ${delayMs} ${jitterMs}`)
  assert.deepEqual(shown.toSorted(), [
    'ap-south>eu-west 120 2',
    'ap-south>us-east 90 2',
    'eu-west>ap-south 120 2',
    'eu-west>us-east 40 0',
    'us-east>ap-south 90 2',
    'us-east>eu-west 40 0',
  ])
})

test('options typed go before those of the file; links and settings come after them', () => {
  const text = 'rows: 5\nrate: 100\nset: {lsm: {sync: true}}\nlink: ["us-east>eu-west: 10ms"]\ndriver: lsm\n'
  withFile('a.yaml', text, (path) => {
    const typed = { rate: '200', set: ['lsm.sync=false', 'lsm.compression=true'], link: ['us-east>eu-west: 20ms'] }
    assert.deepEqual(
      scenarioFrom({ scenario: path, ...typed }),
      parseScenario({
        driver: 'lsm',
        rows: 5,
        rate: 200,
        set: ['lsm.sync=true', 'lsm.sync=false', 'lsm.compression=true'],
        link: ['us-east>eu-west: 10ms', 'us-east>eu-west: 20ms'],
      }),
    )
    const { settings, links } = scenarioFrom({ scenario: path, ...typed })
    assert.deepEqual(settings, { lsm: { sync: 'false', compression: 'true' } })
    assert.equal(links.at(-1)?.delayMs, 20)
  })
})

test('YAML and JSON of the same options are the same scenario', () => {
  const options = {
    driver: ['lsm'],
    rows: '20k',
    link: [{ from: 'us-east', to: 'eu-west', delay: '9ms' }],
    quick: true,
  }
  withFile('a.json', JSON.stringify(options), (json) =>
    withFile('a.yaml', 'driver: lsm\nrows: 20k\nlink:\n  - us-east>eu-west: 9ms\nquick: true\n', (yaml) =>
      assert.deepEqual(scenarioFrom({ scenario: json }), scenarioFrom({ scenario: yaml })),
    ),
  )
})

test('what is wrong with a file is one sentence that names it; what was typed wrong is not blamed on it', () => {
  withFile('a.yaml', 'rowz: 5\n', (path) => {
    assert.equal(refusalOf(path).code, 'SCENARIO')
    assert.match(refusalOf(path).message, /a\.yaml cannot be run: There is no option rowz: did you mean rows\?$/)
  })
  withFile('a.yaml', 'rows: 5\n', (path) => {
    assert.equal(refusalOf(path, { rate: 'x' }).code, 'USAGE')
    assert.doesNotMatch(refusalOf(path, { rate: 'x' }).message, /a\.yaml/)
  })
  for (const text of ['rows: [5', '- 5', '', 'rows: 5\nrows: 6', '{"rows": 5']) {
    withFile('a.yaml', text, (path) => {
      assert.equal(refusalOf(path).code, 'SCENARIO')
      assert.match(refusalOf(path).message, /^The scenario [^\n]*a\.yaml [^\n]*\.$/)
    })
  }
  assert.match(refusalOf('/nowhere/a.yaml').message, /cannot be read \(ENOENT/)
})

test('whatever a file holds, it is a scenario or is refused in one sentence', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const sources = readdirSync(EXAMPLES).map((name) => readFileSync(join(EXAMPLES, name), 'utf8'))
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('\n', ': ', '- ', '{', '[', '&a ', '*a', '!!js/function ', '\0', '\t'),
  )
  // An example with something put over a part of it, and texts of all kinds.
  const changed = fc
    .record({ source: fc.constantFrom(...sources), at: fc.nat(), over: fc.nat({ max: 40 }), piece })
    .map(({ source, at, over, piece: text }) => {
      const from = at % source.length
      return source.slice(0, from) + text + source.slice(from + over)
    })
  fc.assert(
    fc.property(fc.oneof(changed, fc.string({ maxLength: 200 }), fc.json()), (text) =>
      withFile('any.yaml', text, (path) => {
        try {
          scenarioFrom({ scenario: path })
        } catch (error) {
          assert.ok(error instanceof BenchError, `${JSON.stringify(text)}: ${String(error)}`)
          assert.match(error.message, /^[^\n]+[.?]$/, JSON.stringify(text))
        }
      }),
    ),
    { seed: SEED, numRuns: 500 },
  )
})

test('a file that never ends, one that is too long, and one that is a folder are refused', () => {
  assert.match(refusalOf('/dev/zero').message, /longer than 1 MiB/)
  assert.match(refusalOf(tmpdir()).message, /cannot be read \(EISDIR/)
  withFile('long.yaml', `rows: 5 # ${'x'.repeat(1 << 20)}`, (path) =>
    assert.match(refusalOf(path).message, /longer than 1 MiB/),
  )
  // A name for a list that holds such a list, and so on: each is small, all are huge.
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
  for (const [i, name] of 'bcdefgh'.split('').entries())
    bomb.push(`${name}: &${name} [${`*${'abcdefg'[i]}, `.repeat(10)}]`)
  withFile('bomb.yaml', bomb.join('\n'), (path) => assert.match(refusalOf(path).message, /cannot be read/))
})
