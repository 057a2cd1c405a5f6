// Any interleaving of local writes and remote entries ends in the same rows in every DC: those with the highest versions.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { HybridClock, nextVersion, packDot } from '../../../bench/lib/dot.ts'
import { LevelEngine } from '../../lsm/level-engine.ts'
import { LSM_SETTINGS, lsmSettings } from '../../lsm/settings.ts'
import { MemoryEngine } from '../../memory/memory-engine.ts'
import type { Engine, LogEntry } from './engine.ts'
import { PackedRows, packRecords, recordDot, recordVersion } from './packed-rows.ts'
import { Store } from './store.ts'
import type { WriteAnswer } from './write-answer.ts'

const DCS = [0, 1, 2]
const KEYS = 12

type Step =
  | { readonly does: 'write'; readonly dc: number; readonly keys: readonly number[] }
  | { readonly does: 'apply'; readonly dc: number; readonly from: number }
  | { readonly does: 'restart'; readonly dc: number }

const dcs = fc.constantFrom(...DCS)
const steps = (restarts: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          does: fc.constant('write' as const),
          dc: dcs,
          keys: fc.uniqueArray(fc.nat(KEYS - 1), { minLength: 1, maxLength: 6 }),
        }),
      },
      { weight: 5, arbitrary: fc.record({ does: fc.constant('apply' as const), dc: dcs, from: dcs }) },
      ...(restarts ? [{ weight: 1, arbitrary: fc.record({ does: fc.constant('restart' as const), dc: dcs }) }] : []),
    ),
    { minLength: 20, maxLength: 80, size: 'max' },
  )

function recordOf(dot: number, version: number): Buffer {
  const record = Buffer.alloc(21)
  record.writeDoubleLE(dot, 0)
  record.writeDoubleLE(version, 8)
  record[16] = 1
  record.writeUInt32LE(dot >>> 0, 17)
  return record
}

/** One DC as the test sees it: the real store, the simple model of it, and the entries that it has shipped. */
class Site {
  readonly index: number
  readonly model = new Map<number, { version: number; dot: number }>()
  readonly shipped: LogEntry[] = []
  readonly taken = [0, 0, 0]
  readonly #makeEngine: () => Engine
  readonly #clock: HybridClock
  #sequence = 0
  store!: Store

  constructor(index: number, makeEngine: () => Engine, skewUs: number, wallUs: () => number) {
    this.index = index
    this.#makeEngine = makeEngine
    this.#clock = new HybridClock(index, () => wallUs() + skewUs)
  }

  async start(): Promise<void> {
    const engine = this.#makeEngine()
    const peers = DCS.filter((dc) => dc !== this.index)
    const fatal = (error: unknown) => assert.fail(String(error))
    this.store = new Store(
      engine,
      await engine.open(),
      { dcIndex: this.index, peers, vectorDcs: 0, columns: [] },
      undefined,
      fatal,
    )
    this.store.log.onPublish(() => {
      const last = this.store.log.recentAfter(this.shipped.at(-1)?.position ?? 0, 1) ?? []
      for (const { position, payload } of last) this.shipped.push({ position, payload: Buffer.from(payload) })
    })
  }

  async write(keys: readonly number[]): Promise<void> {
    const sorted = keys.toSorted((a, b) => a - b)
    const dots = sorted.map(() => packDot(this.index, 0, ++this.#sequence))
    const versions = sorted.map(() => this.#clock.next())
    const rows = PackedRows.parse(
      packRecords(
        sorted,
        sorted.map((_, i) => recordOf(dots[i], versions[i])),
      ),
    )
    const { raised } = await new Promise<WriteAnswer>((resolve) => void this.store.write(rows, resolve))
    const expected: { rows: number[]; versions: number[] } = { rows: [], versions: [] }
    sorted.forEach((key, i) => {
      const before = this.model.get(key)?.version ?? 0
      const stored = before >= versions[i] ? nextVersion(before, this.index) : versions[i]
      if (stored !== versions[i]) {
        expected.rows.push(i)
        expected.versions.push(stored)
      }
      this.model.set(key, { version: stored, dot: dots[i] })
    })
    assert.deepEqual(raised ?? { rows: [], versions: [] }, expected)
  }

  /** Applies the next entry of another site, if there is one. */
  async applyFrom(other: Site): Promise<boolean> {
    const entry = other.shipped[this.taken[other.index]]
    if (entry === undefined) return false
    this.taken[other.index]++
    const { logId } = other.store
    if (this.store.appliedOf(other.index).logId === 0) this.store.resumeFrom(other.index, { logId, position: 0 })
    await new Promise<void>((resolve) => void this.store.apply(other.index, logId, entry, resolve))
    const rows = PackedRows.parse(entry.payload)
    for (let i = 0; i < rows.count; i++) {
      const before = this.model.get(rows.key(i))?.version ?? 0
      if (rows.version(i) > before) this.model.set(rows.key(i), { version: rows.version(i), dot: rows.dot(i) })
    }
    return true
  }

  async stored(): Promise<unknown[]> {
    const records = await this.store.engine.read(Float64Array.from({ length: KEYS }, (_, key) => key))
    return records.map((record) => record && { version: recordVersion(record), dot: recordDot(record) })
  }

  modelled(): unknown[] {
    return Array.from({ length: KEYS }, (_, key) => this.model.get(key))
  }
}

/** Rows that had to be read, over all runs: without any, the reading would not be tested. */
const reads = { writes: 0, applies: 0 }

async function play(script: readonly Step[], skews: readonly number[], makeEngine: (dc: number) => () => Engine) {
  let wallUs = 1_000_000
  const sites = DCS.map((dc) => new Site(dc, makeEngine(dc), skews[dc], () => (wallUs += 5)))
  for (const site of sites) await site.start()
  try {
    for (const step of script) {
      const site = sites[step.dc]
      if (step.does === 'write') await site.write(step.keys)
      else if (step.does === 'apply') await site.applyFrom(sites[step.from === step.dc ? (step.dc + 1) % 3 : step.from])
      else {
        await site.store.close()
        await site.start()
      }
      assert.deepEqual(await site.stored(), site.modelled())
    }
    let more = true
    while (more) {
      more = false
      for (const site of sites)
        for (const other of sites) if (site !== other) more = (await site.applyFrom(other)) || more
    }
    const [first, ...others] = await Promise.all(sites.map((site) => site.stored()))
    for (const other of others) assert.deepEqual(other, first)
    const shipped = sites.flatMap((site) => site.shipped.map(({ payload }) => PackedRows.parse(payload)))
    const highest = Array.from({ length: KEYS }, (_, key) => {
      const versions = shipped.flatMap((rows) =>
        Array.from({ length: rows.count }, (_row, i) => (rows.key(i) === key ? rows.version(i) : 0)),
      )
      return Math.max(0, ...versions)
    })
    assert.deepEqual(
      first.map((row) => (row as { version: number } | undefined)?.version ?? 0),
      highest,
    )
  } finally {
    for (const { store } of sites) {
      reads.writes += store.counters.write_reads_rows
      reads.applies += store.counters.apply_reads_rows
      await store.close()
    }
  }
}

const skews = fc.tuple(fc.nat(2000), fc.nat(2000), fc.nat(2000))

test('memory nodes agree with the model and with one another', async () => {
  await fc.assert(
    fc.asyncProperty(steps(false), skews, (script, skewsUs) => play(script, skewsUs, () => () => new MemoryEngine({}))),
    { numRuns: 300 },
  )
})

test('LevelDB nodes agree with the model and with one another, through restarts and however little they remember', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-store-'))
  const defaults = Object.fromEntries(LSM_SETTINGS.map((setting) => [setting.name, setting.default]))
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(steps(true), skews, fc.constantFrom(1, 3, 1000), (script, skewsUs, recentRows) => {
        const settings = { ...lsmSettings(defaults), recentRows }
        run++
        return play(script, skewsUs, (dc) => {
          const path = join(folder, `${run}-${dc}`)
          return () => new LevelEngine(path, settings, false)
        })
      }),
      { numRuns: 60 },
    )
    assert.ok(reads.writes > 100 && reads.applies > 100, JSON.stringify(reads))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
