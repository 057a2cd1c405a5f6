// docs/measures.md against the code: every metric that a run gives stands there with its unit, its section and the test of its truth.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Metric } from '../contract/analysis.ts'
import type { Column } from '../contract/table.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'
import { makeWorld } from './world.fixture.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const PAGE = readFileSync(join(DOCS, 'measures.md'), 'utf8')
const PERCENTILE = /_(p50|p90|p99|p999|max)$/
const COUNTER: readonly Column[] = [{ name: 'count', type: 'int', min: 1, max: 9, counter: true }]

interface Line {
  readonly figures: readonly string[]
  readonly units: readonly string[]
  readonly section: string
  readonly tests: readonly string[]
}

/** The table of all figures. */
const LINES: readonly Line[] = PAGE.slice(PAGE.indexOf('## All figures'), PAGE.indexOf('## Throughput'))
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, figures, units, , more, truth] = line.split('|').map((cell) => cell.trim())
    return {
      figures: [...figures.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
      units: units.split(', '),
      section: more.match(/\(#([^)]+)\)/)?.[1] ?? '',
      tests: [...truth.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path),
    }
  })

const lineOf = (metric: string, unit: string) =>
  LINES.find(
    ({ figures, units }) =>
      units.includes(unit) && (figures.includes(metric) || figures.includes(metric.replace(PERCENTILE, '_…'))),
  )

/** All metrics of four runs that have between them whatever a run can have: conflicts, counters, pings, a fault, links of others. */
async function allMetrics(): Promise<Metric[]> {
  const world = makeWorld({
    seed: 5,
    writes: 400,
    keys: 20,
    lengthMs: 10_000,
    lagMs: [40, 60],
    serviceMs: 2,
    ordered: false,
    vectors: false,
    probeEvery: 1,
    readGapMs: 3,
  })
  const run = { writes: world.writes, probes: world.probes }
  const fault = {
    name: 'kill eu-west',
    kind: 'kill',
    dcs: ['eu-west'],
    links: [],
    services: [],
    startUs: 5e6,
    mendUs: 6e6,
    endUs: 6e6,
  } as const
  const metrics: Metric[] = []
  for (const [columns, faults, links] of [
    [[], [], {}],
    [COUNTER, [], {}],
    [[], [fault], {}],
    [[], [], { isUnknown: true }],
  ] as const) {
    using folder = scratchFolder()
    plant(folder.path, {
      ...run,
      csv: {
        'rtt.csv':
          'at_s,from,to,phase,rtt_ms\n1,us-east,eu-west,during,80\n1,harness,us-east,during,1\n1,harness,eu-west,during,2\n',
        'links.csv':
          'at_s,from,to,payload_bytes,held_bytes,backlog,backlog_unit\n5.5,us-east,eu-west,0,0,7,rows\n5.5,eu-west,us-east,0,0,7,bytes\n',
      },
      facts: (facts) => ({
        ...facts,
        scenario: {
          ...facts.scenario,
          columns,
          topology: {
            ...facts.scenario.topology,
            links: facts.scenario.topology.links.map((link) => ({ ...link, ...links })),
          },
        },
        ...(faults.length > 0 ? { faults } : {}),
      }),
    })
    metrics.push(...(await analyseRun(folder.path)).metrics)
  }
  return metrics
}

test('every metric that a run gives stands in the table of all figures with its unit', async () => {
  const metrics = await allMetrics()
  const missing = metrics.filter(({ metric, unit }) => lineOf(metric, unit) === undefined)
  assert.deepEqual([...new Set(missing.map(({ metric, unit }) => `${metric} in ${unit}`))], [])
  // And what the table has, a run gives.
  const given = new Set(metrics.flatMap(({ metric }) => [metric, metric.replace(PERCENTILE, '_…')]))
  assert.deepEqual(
    LINES.flatMap(({ figures }) => figures).filter((name) => !given.has(name)),
    [],
  )
})

test('no metric is added in the code that these runs do not give', async () => {
  const given = new Set((await allMetrics()).map(({ metric }) => metric))
  const names = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.fixture.ts'))
    .flatMap((name) => {
      const text = readFileSync(join(import.meta.dirname, name), 'utf8')
      return [...text.matchAll(/list\.add\(\s*'(\w+)'/g)].map(([, metric]) => metric)
    })
  assert.ok(names.length > 20, `${names.length} names`)
  assert.deepEqual(
    names.filter((name) => !given.has(name)),
    [],
  )
})

test('every figure has the test of its truth, which names it', () => {
  for (const { figures, tests } of LINES) {
    assert.ok(tests.length > 0, `${figures.join(', ')}: no test`)
    const texts = tests.map((path) => readFileSync(resolve(DOCS, path), 'utf8'))
    for (const figure of figures) {
      const stem = figure.replace('…', '')
      assert.ok(
        texts.some((text) => text.includes(`'${stem}`)),
        `${figure}: none of ${tests.join(', ')} names it`,
      )
    }
  }
})

test('every link of the page leads somewhere', () => {
  const headings = new Set(
    [...PAGE.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
  for (const [, target] of PAGE.matchAll(/\]\(([^)]+)\)/g)) {
    if (target.startsWith('#')) assert.ok(headings.has(target.slice(1)), target)
    else if (!target.startsWith('http')) assert.ok(existsSync(resolve(DOCS, target)), target)
  }
})

test('every section of a figure says how wrong it can be and where its truth is planted', () => {
  const sections = new Map(
    PAGE.split(/^(?=#{2,3} )/m).map((text) => {
      const [heading] = text.split('\n')
      return [heading.replaceAll(/[#,]/g, '').trim().toLowerCase().replaceAll(' ', '-'), text]
    }),
  )
  for (const { section, figures } of LINES) {
    const text = sections.get(section) ?? ''
    for (const figure of figures) {
      const stem = figure.replace(/…$/, '')
      assert.ok(text.includes(`\`${stem}`) || text.includes(stem.slice(0, -1)), `${figure} is not in #${section}`)
    }
    assert.match(text, /Truth: |truth/, section)
    assert.match(text, /Error|low|bounds/, section)
  }
})
