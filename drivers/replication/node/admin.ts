// The admin of nodes: one connection to each DC, opened again when a node was restarted.
import type {
  Admin,
  Backlog,
  DeployPlan,
  Digest,
  Endpoints,
  RowSelection,
  RowSource,
  RowStates,
} from '../../../bench/contract/driver.ts'
import type { Counters, StoreDescription } from '../../../bench/contract/store-words.ts'
import { BenchError, messageOf } from '../../../bench/contract/errors.ts'
import { delay } from '../../../bench/lib/clock.ts'
import { TimelyAnswers } from '../../../bench/lib/timely-answers.ts'
import { NodeConnection } from './connection.ts'
import { decodeDigest, mergeDigests } from './digest.ts'
import { FRAME_HEADER_BYTES, MalformedFrame } from './frame.ts'
import { MESSAGE, type NodeStatus, ROLE, decodeExactly, encodeNumbers, encodeSelection } from './message.ts'
import { joinPlanted } from './planted.ts'
import { PackedRows, packBatch, recordContent, recordDot, recordVersion } from './packed-rows.ts'
import { vectorDcsOf } from './services.ts'
import { decodePlanted, decodeStatus } from './told.ts'

/** What anything but a walk over the whole table may take, and what such a walk may take a row on a crowded machine. */
const TIMEOUT_MS = 60_000
const TIMEOUT_US_PER_ROW = 50
const STREAMS_TIMEOUT_MS = 30_000
/** A node that is down or stands still is left out of the backlog. */
const BACKLOG_WITHIN_MS = 300
/** Load requests a node may have unanswered. */
const LOADS_IN_FLIGHT = 4
/** Keys of one digest request: 16 MB, half of the longest frame. More are digested in parts. */
const DIGEST_KEYS_MAX = 2 << 20

const CONFLICTS_MEANING =
  'Rows from another DC that were older, by version, than the row stored here when they arrived, and were therefore discarded.'

export class NodeAdmin implements Admin {
  readonly #plan: DeployPlan
  readonly #endpoints: Endpoints
  readonly #durability: Pick<StoreDescription, 'durability' | 'survivesKill'>
  readonly #signal: AbortSignal
  readonly #connections = new Map<string, Promise<NodeConnection>>()
  readonly #answers = new TimelyAnswers(BACKLOG_WITHIN_MS)

  /** @param durability what decides it, in one sentence. */
  constructor(endpoints: Endpoints, plan: DeployPlan, durability: string, signal: AbortSignal, survivesKill?: true) {
    this.#plan = plan
    this.#endpoints = endpoints
    this.#durability = { durability, ...(survivesKill === undefined ? {} : { survivesKill }) }
    this.#signal = signal
  }

  async describe(): Promise<StoreDescription> {
    const [first] = await this.#statuses()
    return { version: first.version, ...this.#durability, settings: first.settings }
  }

  /** Nothing is created: a node's table is there when it opens. That every node answers is worth knowing before the load. */
  async prepare(): Promise<void> {
    await this.#statuses()
  }

  async load(source: RowSource, progress: (rows: number) => void): Promise<void> {
    const done = new Map(this.#plan.dcs.map(({ name }) => [name, 0]))
    const inFlight: Promise<void>[] = []
    for (const batch of source()) {
      const { count } = batch
      const frame = packBatch(batch, FRAME_HEADER_BYTES, vectorDcsOf(this.#plan))
      const stored = this.#plan.dcs.map(async ({ name }) => {
        const connection = await this.#connection(name)
        // Each connection writes its own header: ids differ.
        await connection.askFrame(MESSAGE.load, Buffer.from(frame))
        done.set(name, (done.get(name) ?? 0) + count)
        progress(Math.min(...done.values()))
      })
      const loaded = this.#all('load', stored).then(() => {})
      // Several are under way and awaited in turn: one that fails meanwhile is told when its turn comes, or never.
      loaded.catch(() => undefined)
      inFlight.push(loaded)
      if (inFlight.length >= LOADS_IN_FLIGHT) await inFlight.shift()
    }
    await Promise.all(inFlight)
    await this.flush()
  }

  /** Loads are never logged, so the streams run from the start: this waits until all of them are open. */
  async replicate(): Promise<void> {
    const untilMs = performance.now() + STREAMS_TIMEOUT_MS
    for (;;) {
      const waiting = (await this.#statuses()).flatMap(({ dc, peers }) =>
        peers.filter(({ following, streaming }) => !following || !streaming).map((peer) => `${dc} and ${peer.dc}`),
      )
      if (waiting.length === 0) return
      if (performance.now() > untilMs) {
        throw new BenchError(
          'STORE',
          `No stream between ${waiting[0]} after ${STREAMS_TIMEOUT_MS / 1000} s; the logs of their nodes say why.`,
        )
      }
      await delay(20, this.#signal)
    }
  }

  async backlog(): Promise<readonly Backlog[]> {
    const statuses = this.#plan.dcs.map(({ name }) => this.#answers.of(name, () => this.#status(name)))
    const answered = (await Promise.all(statuses)).filter((status) => status !== undefined)
    return answered.flatMap(({ dc, headRows, peers }) =>
      peers.map((peer) => ({ from: dc, to: peer.dc, amount: headRows - peer.acknowledgedRows, unit: 'rows' as const })),
    )
  }

  async digest(
    dc: string,
    { buckets, keys }: { readonly buckets: number; readonly keys?: Float64Array },
  ): Promise<Digest> {
    const head = Buffer.alloc(5)
    head.writeUInt32LE(buckets, 0)
    head[4] = keys === undefined ? 1 : 0
    const ask = (body: Buffer) => this.#ask(dc, MESSAGE.digest, body, (answer) => decodeDigest(answer, buckets))
    if (keys === undefined) return ask(head)
    let merged: Digest | undefined
    for (let from = 0; from === 0 || from < keys.length; from += DIGEST_KEYS_MAX) {
      const part = encodeNumbers(keys.subarray(from, from + DIGEST_KEYS_MAX))
      const digest = await ask(Buffer.concat([head, part]))
      merged = merged === undefined ? digest : mergeDigests(merged, digest)
    }
    return merged as Digest
  }

  async *rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    const vectorDcs = vectorDcsOf(this.#plan)
    const page = (body: Buffer) => ({
      cursor: encodeNumbers(decodeExactly(body.subarray(0, 8), 1)),
      rows: PackedRows.parse(body.subarray(8), vectorDcs),
    })
    let { cursor, rows } = await this.#ask(dc, MESSAGE.rows, encodeSelection(selection), page)
    try {
      while (rows.count > 0) {
        yield rowStates(rows)
        ;({ rows } = await this.#ask(dc, MESSAGE.next, cursor, page))
      }
    } finally {
      if (rows.count > 0) await this.#ask(dc, MESSAGE.endCursor, cursor, unread)
    }
  }

  async counters(): Promise<Counters> {
    const own: Record<string, number> = {}
    for (const { counters } of await this.#statuses()) {
      for (const [name, count] of Object.entries(counters)) own[name] = (own[name] ?? 0) + count
    }
    const conflictsReported = { count: own.discarded_rows, meaning: CONFLICTS_MEANING }
    const planted = joinPlanted(await this.#everywhere(MESSAGE.planted, decodePlanted))
    return planted.length === 0 ? { conflictsReported, own } : { conflictsReported, own, planted }
  }

  async flush(): Promise<void> {
    await this.#everywhere(MESSAGE.flush, unread)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections.values()) {
      await connection.then(
        (open) => open.close(),
        () => {},
      )
    }
  }

  #statuses(): Promise<readonly NodeStatus[]> {
    return this.#everywhere(MESSAGE.status, decodeStatus)
  }

  #status(dc: string): Promise<NodeStatus> {
    return this.#ask(dc, MESSAGE.status, Buffer.alloc(0), decodeStatus)
  }

  #everywhere<A>(type: number, read: (answer: Buffer) => A): Promise<A[]> {
    return Promise.all(this.#plan.dcs.map(({ name }) => this.#ask(name, type, Buffer.alloc(0), read)))
  }

  /** Asks and reads the answer. Rejects with STORE where there is none, with FORMAT where it cannot be read. */
  async #ask<A>(dc: string, type: number, body: Buffer, read: (answer: Buffer) => A): Promise<A> {
    try {
      return read(await (await this.#connection(dc)).ask(type, body))
    } catch (error) {
      throw this.#refusal(dc, error)
    }
  }

  #all(what: string, requests: readonly Promise<void>[]): Promise<void[]> {
    return Promise.all(
      requests.map((request, i) =>
        request.catch((error: unknown) => {
          throw this.#refusal(`${this.#plan.dcs[i].name} (${what})`, error)
        }),
      ),
    )
  }

  #refusal(dc: string, error: unknown): BenchError {
    const why = messageOf(error)
    if (error instanceof MalformedFrame) {
      const sentence = `The node of ${dc} gave an answer that cannot be read, ${why}: its log may say what is wrong with it.`
      return new BenchError('FORMAT', sentence, { cause: error })
    }
    return new BenchError('STORE', `The node of ${dc} did not answer: ${why}; its log may say more.`, { cause: error })
  }

  async #connection(dc: string): Promise<NodeConnection> {
    const open = this.#connections.get(dc)
    if (open !== undefined) {
      const connection = await open.catch(() => undefined)
      if (connection?.closed === false) return connection
      // Another asker may have begun to connect meanwhile.
      if (this.#connections.get(dc) !== open) return this.#connection(dc)
    }
    const index = this.#plan.dcs.find(({ name }) => name === dc)?.index
    if (index === undefined) throw new BenchError('BUG', `There is no DC ${dc} in this run.`)
    const hello = { role: ROLE.client, dcIndex: index, secret: this.#plan.secret }
    const timeoutMs = TIMEOUT_MS + (this.#plan.table.rows * TIMEOUT_US_PER_ROW) / 1000
    const opening = NodeConnection.open({ address: this.#endpoints[dc].node, hello, timeoutMs }, this.#signal)
    this.#connections.set(dc, opening)
    return opening
  }
}

/** Of an answer that says only that it is done. */
const unread = (): void => undefined

function rowStates(rows: PackedRows): RowStates {
  const { count } = rows
  const records = Array.from({ length: count }, (_, i) => rows.record(i))
  return {
    count,
    keys: Float64Array.from({ length: count }, (_, i) => rows.key(i)),
    dots: Float64Array.from(records, recordDot),
    versions: Float64Array.from(records, recordVersion),
    contents: records.map(recordContent),
  }
}
