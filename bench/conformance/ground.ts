// The real thing under test: a system deployed as a run deploys it, its sessions, and what the checks need to write to it and look into it.
import { randomBytes } from 'node:crypto'
import type { Admin, DeployPlan, Digest, Session, SessionOptions, StoreDescription } from '../contract/driver.ts'
import { OUTCOME, type WriteResult } from '../contract/outcome.ts'
import type { Scenario } from '../contract/scenario.ts'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import type { Dc, Topology } from '../contract/topology.ts'
import { delay, nowUs } from '../lib/clock.ts'
import { ContentMaker } from '../lib/content.ts'
import { HybridClock, incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import { randomStream, type RandomStream } from '../lib/random.ts'
import { digestsOf, differingBuckets } from '../stages/digests.ts'
import { House } from '../stages/house.ts'
import { topologyOf, type System } from '../systems.ts'
import { expect, Fault } from './check.ts'
import { openSockets } from './sockets.ts'
import { batchOf, LOADED_ROWS, suiteTable, type Row, type Values } from './rows.ts'
import type { Watch } from './watch.ts'

const WRITE_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 4
/** Keys of rows that were not loaded begin here. */
const NEW_KEYS_FROM = 1_000_000
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-'

export interface GroundOrder {
  readonly scenario: Scenario
  readonly system: System
  readonly causality: 'bounds' | 'exact'
  readonly watch: Watch
  readonly signal: AbortSignal
}

/** A row as a DC holds it. */
export interface Held {
  readonly dot: number
  readonly version: number
  readonly content: Uint8Array
}

export class Ground implements AsyncDisposable {
  readonly plan: DeployPlan
  readonly topology: Topology
  readonly house: House
  readonly admin: Admin
  readonly store: StoreDescription
  readonly content: ContentMaker
  readonly delayMs: number
  /** Connections of this process that are not the driver's. */
  readonly housesSockets: number
  /** Aborted when a service ends by itself. */
  readonly signal: AbortSignal
  readonly #order: GroundOrder
  readonly #sessions = new Map<string, Promise<Session>>()
  readonly #clocks: readonly HybridClock[]
  readonly #random: RandomStream
  readonly #cleanup: AsyncDisposableStack
  #sequence = 0
  #loadedTaken = 0
  #newTaken = 0

  private constructor(
    order: GroundOrder,
    parts: Pick<Ground, 'plan' | 'topology' | 'house' | 'admin' | 'store' | 'signal' | 'housesSockets'>,
    cleanup: AsyncDisposableStack,
  ) {
    this.#order = order
    this.plan = parts.plan
    this.topology = parts.topology
    this.house = parts.house
    this.admin = parts.admin
    this.store = parts.store
    this.signal = parts.signal
    this.housesSockets = parts.housesSockets
    this.content = new ContentMaker(parts.plan.table.columns, parts.plan.seed)
    this.delayMs = order.scenario.delayMs
    this.#random = randomStream(parts.plan.seed, 0x434f4e46)
    const wallUs = Date.now() * 1000 - nowUs()
    this.#clocks = this.dcs.map(({ index }) => new HybridClock(index, () => nowUs() + wallUs))
    this.#cleanup = cleanup
  }

  /** What the checks deploy: as a run does, with a table of the suite's own. */
  static planOf({ scenario, system, causality }: Omit<GroundOrder, 'watch' | 'signal'>): DeployPlan {
    return {
      dcs: topologyOf(scenario).dcs,
      replication: system.replication.name,
      settings: system.settings,
      table: suiteTable(system.replication.capabilities.increments === true),
      seed: scenario.seed,
      causality,
      secret: randomBytes(16).toString('hex'),
    }
  }

  /** Starts the services behind verified links, opens the admin and creates the table. */
  static async open(order: GroundOrder): Promise<Ground> {
    const { scenario, system, watch } = order
    const { driver } = system.entry
    await using cleanup = new AsyncDisposableStack()
    const plan = Ground.planOf(order)
    const topology = topologyOf(scenario)
    const house = cleanup.use(await House.open(driver, plan, topology, scenario, order.signal))
    const signal = AbortSignal.any([order.signal, house.died])
    const housesSockets = openSockets()
    const opening = watch.follow('admin() of the driver', driver.admin(house.endpoints(), plan, signal))
    const admin = cleanup.use(watch.wrap(await opening, 'the admin'))
    await admin.prepare()
    const store = await admin.describe()
    return new Ground(order, { plan, topology, house, admin, store, signal, housesSockets }, cleanup.move())
  }

  get dcs(): readonly Dc[] {
    return this.topology.dcs
  }

  get dcNames(): readonly string[] {
    return this.dcs.map(({ name }) => name)
  }

  /** Opens a session that the ground closes with itself, or gives the one that is open. */
  session(
    dc: number,
    mode: string,
    own: Partial<SessionOptions> & { readonly writer?: number } = {},
  ): Promise<Session> {
    const { purpose = 'write', timeoutMs = WRITE_TIMEOUT_MS, writer = 0 } = own
    const name = [dc, mode, purpose, timeoutMs, writer].join(' ')
    const known = this.#sessions.get(name)
    if (known !== undefined) return known
    const opened = this.openSession(dc, { mode, purpose, timeoutMs }, this.signal)
    this.#sessions.set(name, opened)
    opened.catch(() => this.#sessions.delete(name))
    return opened
  }

  /** The session through which the checks look at a DC. */
  reader(dc: number): Promise<Session> {
    return this.session(dc, this.#order.system.entry.driver.modes[0].name, { purpose: 'probe' })
  }

  /** A session that the caller closes. */
  async openSession(dc: number, options: Omit<SessionOptions, 'plan'>, signal: AbortSignal): Promise<Session> {
    const { name } = this.dcs[dc]
    const { driver } = this.#order.system.entry
    const opening = driver.open(this.dcs[dc], this.house.seenFrom(name), { plan: this.plan, ...options }, signal)
    return this.#order.watch.wrap(
      await this.#order.watch.follow(`open() of a session on ${name}`, opening),
      `a session on ${name}`,
    )
  }

  /** Keys of loaded rows, or of rows that are not there, that no other check uses; ascending. */
  keys(count: number, which: 'loaded' | 'new'): number[] {
    const from = which === 'loaded' ? this.#loadedTaken : NEW_KEYS_FROM + this.#newTaken
    if (which === 'loaded') this.#loadedTaken += count
    else this.#newTaken += count
    expect(this.#loadedTaken <= LOADED_ROWS, () => 'The suite has no loaded rows left: it must load more.')
    return Array.from({ length: count }, (_, i) => from + i)
  }

  /** A write of DC `dc` with a dot and a version of its own and values drawn from the seed, unless they are given. */
  row(dc: number, key: number, own: Partial<Omit<Row, 'values'>> & { readonly values?: Partial<Values> } = {}): Row {
    const text = (length: number) =>
      Array.from({ length }, () => ALPHABET[this.#random.uint32() % ALPHABET.length]).join('')
    const version = this.#clocks[dc].next()
    // A row that is made later has the higher version, whichever DC it is of.
    for (const clock of this.#clocks) clock.observe(version)
    return {
      key,
      dot: packDot(this.dcs[dc].index, incarnationOf(PHASE.measure, 0), ++this.#sequence),
      version,
      operation: OPERATION.upsert,
      ...own,
      values: {
        name: text(this.#random.uint32() % 25),
        note: text(3 + (this.#random.uint32() % 60)),
        amount: this.#random.uint32() | 0,
        tally: this.#random.uint32() % 1000,
        ...own.values,
      },
    }
  }

  /** Sends one batch; the answer keeps the shape of the contract, or this is a fault. */
  async send(session: Session, batch: RowBatch): Promise<WriteResult> {
    let result: WriteResult
    try {
      result = await session.write(batch)
    } catch (error) {
      throw new Fault(
        `write() rejected with “${String(error)}”: it must resolve with an outcome, whatever the store does.`,
      )
    }
    const outcomes: readonly number[] = [OUTCOME.ok, OUTCOME.fail, OUTCOME.info]
    expect(
      outcomes.includes(result.outcome),
      () => `write() answered with the outcome ${result.outcome}, which is none.`,
    )
    const { rowOutcomes, storedVersions, overwrote, seen } = result
    const lengths = { rowOutcomes, storedVersions, overwrote }
    for (const [name, column] of Object.entries(lengths)) {
      expect(
        column === undefined || column.length >= batch.count,
        () => `write() answered with ${column?.length} ${name} for a batch of ${batch.count} rows.`,
      )
    }
    expect(
      seen === undefined || seen.length >= batch.count * this.dcs.length,
      () => `write() answered with ${seen?.length} entries of seen for ${batch.count} rows in ${this.dcs.length} DCs.`,
    )
    return result
  }

  /** Writes rows that the store must take. */
  async mustStore(session: Session, rows: readonly Row[], atomic = false): Promise<WriteResult> {
    const result = await this.send(session, batchOf(rows, atomic))
    for (const [i, { key }] of rows.toSorted((a, b) => a.key - b.key).entries()) {
      const outcome = result.rowOutcomes?.[i] ?? result.outcome
      expect(
        outcome === OUTCOME.ok,
        () =>
          `A write of ${rows.length} rows that nothing hinders was answered with ${outcomeName(outcome)} (${result.error ?? 'no word why'}) for key ${key}.`,
      )
    }
    return result
  }

  /** What a DC holds of some keys, by the admin. */
  async held(dc: number, keys: readonly number[]): Promise<Map<number, Held>> {
    const held = new Map<number, Held>()
    for await (const rows of this.admin.rows(this.dcs[dc].name, { keys: Float64Array.from(keys) })) {
      for (let i = 0; i < rows.count; i++) {
        expect(!held.has(rows.keys[i]), () => `rows() gave key ${rows.keys[i]} of ${this.dcs[dc].name} twice.`)
        held.set(rows.keys[i], { dot: rows.dots[i], version: rows.versions[i], content: rows.contents[i] })
      }
    }
    return held
  }

  /** The digests of all DCs over some keys. */
  digests(keys: readonly number[], buckets = 16): Promise<Digest[]> {
    return digestsOf(this.admin, this.dcNames, { buckets, keys: Float64Array.from(keys) })
  }

  /** Waits until every DC holds the same of these keys. */
  equal(keys: readonly number[], limitMs: number, signal: AbortSignal): Promise<number> {
    return this.until(
      () => `The DCs do not hold the same ${keys.length} rows`,
      async () => differingBuckets(await this.digests(keys)).length === 0,
      limitMs,
      signal,
    )
  }

  /** Asks until it is so; resolves with how long that took, in ms. A fault when it is not within `limitMs`. */
  async until(
    missing: () => string,
    isSo: () => Promise<boolean>,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<number> {
    const fromMs = performance.now()
    while (!(await isSo())) {
      signal.throwIfAborted()
      this.signal.throwIfAborted()
      expect(performance.now() - fromMs < limitMs, () => `${missing()} after ${limitMs / 1000} s.`)
      await delay(LOOK_EVERY_MS, signal)
    }
    return performance.now() - fromMs
  }

  async closeSessions(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all(sessions.map(async (session) => (await session)[Symbol.asyncDispose]()))
  }

  /** Closes sessions and admin, ends the services, and removes their data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeSessions().catch(() => undefined)
    await this.#cleanup.disposeAsync()
  }
}

export const outcomeName = (outcome: number): string => ['pending', 'ok', 'fail', 'info'][outcome] ?? String(outcome)
