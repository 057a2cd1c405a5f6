// The real thing under test: a system deployed as a run deploys it, its sessions, and what the checks need to write to it and look into it.
import { randomBytes } from 'node:crypto'
import type { Admin, DeployPlan, Digest, Session, SessionOptions } from '../contract/driver.ts'
import type { StoreDescription } from '../contract/store-words.ts'
import { OUTCOME, type WriteResult } from '../contract/outcome.ts'
import type { Scenario } from '../contract/scenario.ts'
import type { RowBatch } from '../contract/table.ts'
import type { Dc, Topology } from '../contract/topology.ts'
import { delay } from '../lib/clock.ts'
import { ContentMaker } from '../lib/content.ts'
import { digestsOf, differingBuckets } from '../stages/digests.ts'
import { House } from '../stages/house.ts'
import { topologyOf, type System } from '../systems.ts'
import { expect, Fault, outcomeName } from './check.ts'
import { openSockets } from './sockets.ts'
import { RowMaker, type OwnParts } from './row-maker.ts'
import { batchOf, suiteTable, type Row } from './rows.ts'
import type { Watch } from './watch.ts'

const WRITE_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 4

interface GroundOrder {
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
  readonly #rows: RowMaker
  readonly #cleanup: AsyncDisposableStack

  private constructor(
    order: GroundOrder,
    parts: Pick<Ground, 'plan' | 'topology' | 'house' | 'admin' | 'store' | 'signal' | 'housesSockets'>,
    cleanup: AsyncDisposableStack,
  ) {
    this.#order = order
    const { plan, topology, house, admin, store, signal, housesSockets } = parts
    this.plan = plan
    this.topology = topology
    this.house = house
    this.admin = admin
    this.store = store
    this.signal = signal
    this.housesSockets = housesSockets
    this.content = new ContentMaker(plan.table.columns, plan.seed)
    this.delayMs = order.scenario.delayMs
    this.#rows = new RowMaker(this.dcs, plan.seed)
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
    const opened = await watch.follow('admin() of the driver', driver.admin(house.endpoints(), plan, signal))
    const admin = cleanup.use(watch.wrap(opened, 'the admin'))
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
    const opened = this.#sessions.get(name) ?? this.openSession(dc, { mode, purpose, timeoutMs }, this.signal)
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
    const { watch, system } = this.#order
    const how = { plan: this.plan, ...options }
    const opening = system.entry.driver.open(this.dcs[dc], this.house.seenByClients(name), how, signal)
    return watch.wrap(await watch.follow(`open() of a session on ${name}`, opening), `a session on ${name}`)
  }

  /** As `RowMaker.keys`. */
  keys(count: number, which: 'loaded' | 'new'): number[] {
    return this.#rows.keys(count, which)
  }

  /** As `RowMaker.row`. */
  row(dc: number, key: number, own: OwnParts = {}): Row {
    return this.#rows.row(dc, key, own)
  }

  /** Sends one batch; it is a fault where the answer has not the shape of the contract. */
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
