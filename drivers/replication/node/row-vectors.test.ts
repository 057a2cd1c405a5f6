// What writes and reads say that they have seen is what had really been taken in, in every interleaving of DCs: an oracle
// keeps the set of dots itself, and every pair of writes to a key is compared.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { OPERATION } from '../../../bench/contract/table.ts'
import { HybridClock, LOADED_VERSION, dotDc, loadedDot, nextVersion, packDot } from '../../../bench/lib/dot.ts'
import { LevelEngine } from '../../lsm/level-engine.ts'
import { LSM_SETTINGS, lsmSettings } from '../../lsm/settings.ts'
import { MemoryEngine } from '../../memory/memory-engine.ts'
import type { Engine, LogEntry } from './engine.ts'
import { PackedRows, packBatch, recordDot, recordWithoutVector } from './packed-rows.ts'
import { readVector } from './row-vectors.ts'
import { Store } from './store.ts'
import type { WriteAnswer } from './write-answer.ts'

const KEYS = 6
const LOADED = 3
const all = Float64Array.from({ length: KEYS }, (_, key) => key)

/** One write as the oracle knows it: what its DC had taken in of the key before it. */
interface Written {
  readonly dot: number
  readonly past: ReadonlySet<number>
  readonly seen: Float64Array
}

/** What a DC holds of a key, and all that it has taken in of it. */
interface Held {
  dot: number
  version: number
  readonly takenIn: Set<number>
}

const highest = (dots: Iterable<number>, dc: number) => Math.max(0, ...[...dots].filter((dot) => dotDc(dot) === dc))

function packed(
  dcs: number,
  keys: readonly number[],
  dots: readonly number[],
  versions: readonly number[],
  operation: number,
) {
  const batch = {
    count: keys.length,
    keys: Float64Array.from(keys),
    dots: Float64Array.from(dots),
    versions: Float64Array.from(versions),
    operations: new Uint8Array(keys.length).fill(operation),
    columns: [{ type: 'int' as const, values: Int32Array.from(dots) }],
    atomic: false,
  }
  return PackedRows.parse(packBatch(batch, 0, dcs), dcs)
}

class Site {
  readonly #index: number
  readonly #dcs: number
  readonly #makeEngine: () => Engine
  readonly #clock: HybridClock
  readonly #writes: Map<number, Written[]>
  readonly held = Array.from({ length: KEYS }, (): Held => ({ dot: 0, version: 0, takenIn: new Set() }))
  readonly shipped: LogEntry[] = []
  readonly #taken: number[]
  #sequence = 0
  store!: Store

  constructor(
    index: number,
    dcs: number,
    makeEngine: () => Engine,
    wallUs: () => number,
    writes: Map<number, Written[]>,
  ) {
    this.#index = index
    this.#dcs = dcs
    this.#makeEngine = makeEngine
    this.#clock = new HybridClock(index, wallUs)
    this.#writes = writes
    this.#taken = Array.from({ length: dcs }, () => 0)
  }

  async start(): Promise<void> {
    const engine = this.#makeEngine()
    const peers = Array.from({ length: this.#dcs }, (_, dc) => dc).filter((dc) => dc !== this.#index)
    const identity = { dcIndex: this.#index, peers, vectorDcs: this.#dcs, columns: [] }
    this.store = new Store(engine, await engine.open(), identity, undefined, (error) => assert.fail(String(error)))
    this.store.log.onPublish(() => {
      const last = this.store.log.recentAfter(this.shipped.at(-1)?.position ?? 0, 1) ?? []
      for (const { position, payload } of last) this.shipped.push({ position, payload: Buffer.from(payload) })
    })
  }

  async load(): Promise<void> {
    const keys = Array.from({ length: LOADED }, (_, key) => key)
    const versions = keys.map(() => LOADED_VERSION)
    const rows = packed(this.#dcs, keys, keys.map(loadedDot), versions, OPERATION.insert)
    await new Promise<void>((resolve) => this.store.load(rows, resolve))
    for (const key of keys) Object.assign(this.held[key], { dot: loadedDot(key), version: LOADED_VERSION })
  }

  async write(keys: readonly number[], operation: number): Promise<void> {
    const dots = keys.map(() => packDot(this.#index, 0, ++this.#sequence))
    const versions = keys.map(() => this.#clock.next())
    const rows = packed(this.#dcs, keys, dots, versions, operation)
    const { found } = await new Promise<WriteAnswer>((resolve) => void this.store.write(rows, resolve))
    assert.ok(found)
    keys.forEach((key, i) => {
      const held = this.held[key]
      const seen = found.seen.subarray(i * this.#dcs, (i + 1) * this.#dcs)
      assert.equal(found.overwrote[i], held.dot)
      this.#writes.set(key, [...(this.#writes.get(key) ?? []), { dot: dots[i], past: new Set(held.takenIn), seen }])
      const version = held.version >= versions[i] ? nextVersion(held.version, this.#index) : versions[i]
      Object.assign(held, { dot: dots[i], version })
      held.takenIn.add(dots[i])
    })
  }

  async applyFrom(other: Site): Promise<boolean> {
    const entry = other.shipped[this.#taken[other.#index]]
    if (entry === undefined) return false
    this.#taken[other.#index]++
    const { logId } = other.store
    if (this.store.appliedOf(other.#index).logId === 0) this.store.resumeFrom(other.#index, { logId, position: 0 })
    const received = { position: entry.position, payload: Buffer.from(entry.payload) }
    await new Promise<void>((resolve) => void this.store.apply(other.#index, logId, received, resolve))
    const rows = PackedRows.parse(entry.payload, this.#dcs)
    for (let i = 0; i < rows.count; i++) {
      const held = this.held[rows.key(i)]
      const dot = rows.dot(i)
      const write = this.#writes.get(rows.key(i))?.find((each) => each.dot === dot)
      for (const each of [dot, ...(write as Written).past]) held.takenIn.add(each)
      if (rows.version(i) > held.version) Object.assign(held, { dot, version: rows.version(i) })
    }
    return true
  }

  async check(): Promise<void> {
    const records = await this.store.engine.read(all)
    records.forEach((record, key) => {
      const { dot, takenIn } = this.held[key]
      assert.equal(record === undefined ? 0 : recordDot(record), dot)
      const vector = new Float64Array(this.#dcs)
      if (record !== undefined) readVector(record, vector, 0)
      assert.deepEqual(
        [...vector],
        [...vector.keys()].map((dc) => highest(takenIn, dc)),
      )
    })
  }
}

interface Script {
  readonly dcs: number
  readonly steps: readonly {
    readonly kind: number
    readonly dc: number
    readonly from: number
    readonly keys: readonly number[]
  }[]
}

const scripts = fc.constantFrom(2, 3).chain((dcs) =>
  fc.record({
    dcs: fc.constant(dcs),
    steps: fc.array(
      fc.record({
        kind: fc.nat(19),
        dc: fc.nat(dcs - 1),
        from: fc.integer({ min: 1, max: dcs - 1 }),
        keys: fc
          .uniqueArray(fc.nat(KEYS - 1), { minLength: 1, maxLength: 3 })
          .map((keys) => keys.toSorted((a, b) => a - b)),
      }),
      { minLength: 20, maxLength: 60, size: 'max' },
    ),
  }),
)

/** Pairs of writes compared, and those of them that were concurrent: without any, nothing would be tested. */
const pairs = { all: 0, concurrent: 0, reads: 0 }

async function play(
  { dcs, steps }: Script,
  makeEngine: (dc: number) => () => Engine,
  restarts: boolean,
): Promise<void> {
  let wallUs = 1_000_000
  const writes = new Map<number, Written[]>()
  const sites = Array.from(
    { length: dcs },
    (_, dc) => new Site(dc, dcs, makeEngine(dc), () => (wallUs += dc * 7 + 1), writes),
  )
  for (const site of sites) await site.start()
  for (const site of sites) await site.load()
  try {
    for (const { kind, dc, from, keys } of steps) {
      const site = sites[dc]
      if (kind < 9) await site.write(keys, kind === 0 ? OPERATION.delete : OPERATION.upsert)
      else if (kind < 19 || !restarts) await site.applyFrom(sites[(dc + from) % dcs])
      else {
        await site.store.close()
        await site.start()
      }
      await site.check()
    }
    for (const site of sites) {
      for (const other of sites) if (other !== site) while (await site.applyFrom(other));
      await site.check()
    }
    const stored = await Promise.all(sites.map(({ store }) => store.engine.read(all)))
    const agreed = stored.map((records) => records.map((record) => record && recordWithoutVector(record)))
    for (const each of agreed) assert.deepEqual(each, agreed[0])
  } finally {
    for (const { store } of sites) {
      pairs.reads += store.counters.write_reads_rows + store.counters.apply_reads_rows
      await store.close()
    }
  }
  for (const ofKey of writes.values()) {
    for (const { past, seen, dot } of ofKey) {
      for (const other of ofKey) {
        assert.equal(other.dot <= seen[dotDc(other.dot)], past.has(other.dot), `whether ${dot} had seen ${other.dot}`)
        pairs.all++
        if (!past.has(other.dot) && !other.past.has(dot) && other.dot !== dot) pairs.concurrent++
      }
    }
  }
}

test('memory nodes tell every write what it had seen, and nothing that it had not', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, (script) => play(script, () => () => new MemoryEngine({}), false)),
    { numRuns: 300 },
  )
  assert.ok(pairs.concurrent > 10_000 && pairs.all > 2 * pairs.concurrent, JSON.stringify(pairs))
})

test('LevelDB nodes do so too, through restarts and however little they remember', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-vectors-'))
  const defaults = lsmSettings(Object.fromEntries(LSM_SETTINGS.map((setting) => [setting.name, setting.default])))
  let run = 0
  pairs.reads = 0
  try {
    await fc.assert(
      fc.asyncProperty(scripts, fc.constantFrom(1, 400, 1 << 20), (script, recentRecordBytes) => {
        run++
        return play(
          script,
          (dc) => () =>
            new LevelEngine(join(folder, `${run}-${dc}`), { ...defaults, recentRows: 1, recentRecordBytes }, true),
          true,
        )
      }),
      { numRuns: 60 },
    )
    assert.ok(pairs.reads > 300, JSON.stringify(pairs))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
