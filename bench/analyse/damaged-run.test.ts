// A run folder that a disk, a kill or somebody's editor damaged is refused in one sentence, or read for what it is: never another
// figure from the ledger, never a crash, never an analysis without end.
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { Metric } from '../contract/analysis.ts'
import { BenchError } from '../contract/errors.ts'
import { LINK_COLUMNS, RESOURCE_COLUMNS, RTT_COLUMNS, RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import { readBlocks, sealBlock } from '../lib/column-file.ts'
import { colorsFor } from '../report/colors.ts'
import { renderBench } from '../report/terminal.ts'
import { analyseBench } from './bench.ts'
import { LAYOUTS } from './deal-plan.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { makeWorld, USUAL_WORLD } from './world.fixture.ts'

const RUNS = Number(process.env['GEOWRITE_DAMAGED_RUNS'] ?? 30)
const whole = scratchFolder()
after(() => whole[Symbol.dispose]())
const RUN = join('runs', '1-planted')

const { writes, probes } = makeWorld({ ...USUAL_WORLD, writes: 150, keys: 20 })
plant(join(whole.path, RUN), { writes, probes, workers: 2, facts: withEverything, csv: rawFiles() })

/** Facts of which nothing is empty, so that everything can be damaged. */
function withEverything(facts: RunFacts): RunFacts {
  const mark = (name: 'measure-start' | 'measure-end' | 'flushed', atUs: number) => ({
    name,
    atUs,
    deviceWriteBytes: atUs,
    links: [{ from: 'us-east', to: 'eu-west', payloadBytes: atUs }],
    services: [
      {
        service: 'a',
        dc: 'us-east',
        role: 'store',
        cpuSeconds: atUs / 1e6,
        storageWriteBytes: atUs,
        residentMaxBytes: 1,
      },
    ],
  })
  return {
    ...facts,
    probers: [{ dc: 'us-east', asked: 1, dropped: 0, readErrors: 0, reads: 9 }],
    marks: [mark('measure-start', 0), mark('measure-end', 1e7), mark('flushed', 2e7)],
    faults: [
      {
        name: 'cut us-east|eu-west',
        kind: 'cut',
        dcs: ['us-east', 'eu-west'],
        links: [{ from: 'us-east', to: 'eu-west' }],
        services: [],
        startUs: 4e6,
        mendUs: 5e6,
        endUs: 5e6,
      },
    ],
    counters: { conflictsReported: { count: 1, meaning: 'of a test' }, own: { rows: 1 } },
    divergent: { total: 1, rows: [{ key: 1, dcs: [{ dc: 'us-east', dot: 0, version: 0, whole: true }] }] },
  }
}

function rawFiles(): Readonly<Record<string, string>> {
  const seconds = Array.from({ length: 11 }, (_, second) => second)
  const file = (columns: readonly string[], row: (second: number) => readonly (string | number)[]) =>
    [columns, ...seconds.map(row)].map((cells) => `${cells.join(',')}\n`).join('')
  return {
    [RUN_FILES.resources]: file(RESOURCE_COLUMNS, (at) => [at, 'a', 'us-east', 'store', at / 2, 1e6, at * 1e4, 0]),
    [RUN_FILES.links]: file(LINK_COLUMNS, (at) => [at, 'us-east', 'eu-west', at * 1e4, 0, at, 'rows']),
    [RUN_FILES.rtt]: file(RTT_COLUMNS, (at) => [at, 'us-east', 'eu-west', 'during', 0.5]),
  }
}

/** What a report of the folder says, or the code of its refusal; throws what is neither. */
async function reported(folder: string): Promise<readonly Metric[] | string> {
  try {
    const bench = await analyseBench(folder)
    renderBench(bench, folder, colorsFor({ isTTY: false }))
    return bench.runs[0].metrics
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    assert.doesNotMatch(error.message, /\n/)
    return error.code
  }
}

async function ofDamaged(damage: (run: string) => void): Promise<readonly Metric[] | string> {
  using folder = scratchFolder()
  cpSync(whole.path, folder.path, { recursive: true })
  damage(join(folder.path, RUN))
  return await reported(folder.path)
}

const ledgerFiles = readdirSync(join(whole.path, RUN, RUN_FILES.ledger)).map((name) => join(RUN_FILES.ledger, name))
const rawNames = Object.keys(rawFiles())
const REFUSED = new Set(['RUN_FOLDER', 'FORMAT'])

const isRefused = (result: readonly Metric[] | string) => typeof result === 'string' && REFUSED.has(result)
const assertTold = (result: readonly Metric[] | string) => assert.ok(typeof result !== 'string' || isRefused(result))

test('a run whose every part is there is reported', async () => {
  const result = await reported(whole.path)
  assert.ok(typeof result !== 'string' && result.length > 20)
})

test('a flipped bit in a ledger is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ledgerFiles), fc.nat(), fc.nat(7), async (file, at, bit) => {
      const result = await ofDamaged((run) => {
        const bytes = readFileSync(join(run, file))
        bytes[at % bytes.length] ^= 1 << bit
        writeFileSync(join(run, file), bytes)
      })
      assert.ok(isRefused(result), `${file} at byte ${at}`)
    }),
    { numRuns: RUNS },
  )
})

test('any file that is cut off or gone is told or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ledgerFiles, ...rawNames, RUN_FILES.run), fc.nat(), async (file, length) => {
      assertTold(
        await ofDamaged((run) => {
          const bytes = readFileSync(join(run, file))
          const left = length % (bytes.length + 1)
          if (left === bytes.length) rmSync(join(run, file))
          else writeFileSync(join(run, file), bytes.subarray(0, left))
        }),
      )
    }),
    { numRuns: RUNS },
  )
})

test('raw CSV files with any byte changed are read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...rawNames), fc.nat(), fc.nat(255), async (file, at, byte) => {
      assertTold(
        await ofDamaged((run) => {
          const bytes = readFileSync(join(run, file))
          bytes[at % bytes.length] = byte
          writeFileSync(join(run, file), bytes)
        }),
      )
    }),
    { numRuns: RUNS },
  )
})

type Json = Record<string, unknown>

/** Every path of a JSON value, the value itself left out. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  const here = path.length === 0 ? [] : [path]
  if (typeof value !== 'object' || value === null) return here
  return [...here, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))]
}

test('a run.json with any value changed or missing is read or refused', async () => {
  const facts = JSON.parse(readFileSync(join(whole.path, RUN, RUN_FILES.run), 'utf8')) as Json
  const paths = pathsOf(facts).filter(([first]) => first !== 'analysis' && first !== 'verdict')
  const strange = fc.constantFrom(undefined, null, 1e308, -1, 0.5, 'x', '', '../x', [], {}, true, 1e12, 2 ** 53)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), strange, async (path, value) => {
      const result = await ofDamaged((run) => {
        const changed = structuredClone(facts)
        const parent = path.slice(0, -1).reduce<Json>((at, name) => at[name] as Json, changed)
        if (value === undefined) delete parent[path[path.length - 1]]
        else parent[path[path.length - 1]] = value
        writeFileSync(join(run, RUN_FILES.run), JSON.stringify(changed))
      })
      assertTold(result)
    }),
    { numRuns: 4 * RUNS },
  )
})

test('a dropped ledger is reported from an analysis that is whole, and from no other', async () => {
  await inAnalysed(async (run, stored) => {
    rmSync(join(run, RUN_FILES.ledger), { recursive: true })
    writeFileSync(join(run, RUN_FILES.run), JSON.stringify({ ...stored, ledgerDropped: true }))
    assert.ok(typeof (await reported(join(run, '../..'))) !== 'string')
    const analysis = stored['analysis'] as Json
    for (const path of pathsOf(analysis).filter((_, i) => i % 97 === 0)) {
      const changed: Json = structuredClone({ ...stored, ledgerDropped: true })
      const parent = path.slice(0, -1).reduce<Json>((at, name) => at[name] as Json, changed['analysis'] as Json)
      parent[path[path.length - 1]] = { of: 'another kind' }
      writeFileSync(join(run, RUN_FILES.run), JSON.stringify(changed))
      assertTold(await reported(join(run, '../..')))
    }
  })
})

async function inAnalysed(body: (run: string, stored: Json) => Promise<void>): Promise<void> {
  using folder = scratchFolder()
  cpSync(whole.path, folder.path, { recursive: true })
  await reported(folder.path)
  const run = join(folder.path, RUN)
  await body(run, JSON.parse(readFileSync(join(run, RUN_FILES.run), 'utf8')) as Json)
}

test('rows of any content under sound checksums are analysed or refused', async () => {
  const extreme = fc.constantFrom(0, -1, 0.5, 1e12, 2 ** 53, 1e300, Infinity, -Infinity, NaN, 4_294_967_295, 255)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ledgerFiles), fc.nat(), fc.nat(), extreme, async (file, row, column, value) => {
      assertTold(
        await ofDamaged((run) => {
          const path = join(run, file)
          const kind = Object.entries(LAYOUTS).find(([name]) => file.includes(name.replace(/s$/, '')))
          const layout = (kind ?? Object.entries(LAYOUTS)[0])[1]
          const [block] = readBlocks<Readonly<Record<string, 'f64' | 'u32' | 'u8'>>>(layout, path)
          if (block === undefined || block.rows === 0) return
          const names = Object.keys(layout.columns)
          const cells = (block as unknown as Record<string, Float64Array>)[names[column % names.length]]
          cells[row % block.rows] = value
          writeFileSync(path, sealBlock(block))
        }),
      )
    }),
    { numRuns: 2 * RUNS },
  )
})
