// One life of a pipeline: from connecting until anything fails. Rows flow from the source's stream into the appliers'
// queues; the source is told of a position once everything before it is durable in the receiving DC.
import type { Client } from 'pg'
import { hashNumber } from '../../bench/lib/random.ts'
import type { StreamSink } from '../replication/pgoutput.ts'
import { Applier } from './applier.ts'
import { LOCKS_BY_KEY, readProgress } from './apply-statements.ts'
import { connect, disconnect, type Connecting } from './connect.ts'
import { originName, PUBLICATION, slotName } from './names.ts'
import type { PipelineConfig } from './pipeline.ts'
import type { PipelineCounters } from './pipeline-counters.ts'
import { parseLsn, ReplicationStream } from './replication-stream.ts'
import type { SourceTransaction } from './row-queue.ts'
import { SourcePosition } from './source-position.ts'
import { allColumns } from './sql-table.ts'

/** Bytes of rows held for the appliers above which the source is no longer read, and below which it is again. */
const HELD_BYTES_HIGH = 32 << 20
const HELD_BYTES_LOW = 16 << 20
const CONFIRM_EVERY_MS = 100
/** The source takes a receiver for dead after its `wal_sender_timeout`: it hears from us much more often. */
const STATUS_EVERY_MS = 1000
/** A source that says nothing for so long, not even the keepalives of its `wal_sender_timeout`, is taken for dead. */
const SILENCE_MS_MAX = 15_000
const APPLIER_SALT = 0x61707079
const POSITION_BYTES = 16
const ATTEMPT_MS = 5000

export class Replay {
  readonly #config: PipelineConfig
  readonly #counters: PipelineCounters
  readonly #failure: PromiseWithResolvers<never> = Promise.withResolvers()
  readonly #appliers: Applier[] = []
  /** Positions up to which each applier had committed before this life. */
  readonly #progress: number[] = []
  #watcher: Client | undefined
  #stream: ReplicationStream | undefined
  #timer: NodeJS.Timeout | undefined
  #heldBytes = 0
  #paused = false
  #position = new SourcePosition(0)
  readonly #skips: boolean[] = []
  readonly #touched: boolean[] = []
  #confirmedLsn = 0
  /** A position committed here, and the receiver's own log position by which it is durable. */
  #awaitingDisk: { readonly lsn: number; readonly localLsn: number } | undefined
  #checking = false
  #heardMs = performance.now()
  #toldMs = 0

  constructor(config: PipelineConfig, counters: PipelineCounters) {
    this.#config = config
    this.#counters = counters
  }

  /** Connects everything and starts the stream. Rejects when any part cannot; `close` is still due. */
  async start(): Promise<void> {
    const config = this.#config
    const { source, receiver, table } = config
    const receiving: Connecting = {
      address: config.receiverAddress,
      secret: config.secret,
      access: config.receiverAccess,
      application: `geowrite-cdc-${source.name}`,
      session: { synchronous_commit: config.applySynchronousCommit, ...LOCKS_BY_KEY },
      patienceMs: 0,
      attemptMs: ATTEMPT_MS,
    }
    this.#watcher = await connect(receiving)
    for (let index = 0; index < config.appliers; index++) {
      const client = await connect(receiving)
      const events = {
        applied: this.#applied.bind(this),
        failed: (error: Error) => this.#failure.reject(error),
      }
      this.#appliers.push(new Applier(client, originName(source, index), table, config.applyRows, events))
      // Fails while a former connection still holds the origin: only then is its progress final.
      await client.query('SELECT pg_replication_origin_session_setup($1)', [originName(source, index)])
    }
    for (let index = 0; index < config.appliers; index++) {
      const { rows } = await this.#watcher.query<{ lsn: string }>(readProgress, [originName(source, index)])
      this.#progress.push(parseLsn(rows[0].lsn))
    }
    const fromLsn = Math.min(...this.#progress)
    this.#position = new SourcePosition(fromLsn)
    await this.#startStream(slotName(receiver), fromLsn)
    this.#timer = setInterval(() => void this.#check(), CONFIRM_EVERY_MS)
  }

  async #startStream(slot: string, fromLsn: number): Promise<void> {
    const { source, sourceAddress, sourceAccess: access, secret, receiver, table } = this.#config
    const application = `geowrite-cdc-${receiver.name}`
    const sending = {
      address: sourceAddress,
      secret,
      access,
      application,
      // Whatever the server's own is: it must say something before we take it for dead.
      session: { wal_sender_timeout: '10s' },
      replication: true,
      patienceMs: 0,
      attemptMs: ATTEMPT_MS,
    }
    const client = await connect(sending)
    // A connection that broke without our knowing may still hold the slot in the source.
    await client.query(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}' AND active`,
    )
    const plan = { slot, publication: PUBLICATION, fromLsn, columns: allColumns(table) }
    const events = {
      chunk: this.#chunkRead.bind(this),
      ended: (error: Error) =>
        this.#failure.reject(new Error(`from ${source.name}: ${error.message}`, { cause: error })),
    }
    try {
      this.#stream = await ReplicationStream.start(client, plan, this.#sink(), events)
    } finally {
      if (this.#stream === undefined) client.connection.stream.destroy()
    }
  }

  /** Rejects when something fails; never resolves. */
  failed(): Promise<never> {
    return this.#failure.promise
  }

  #sink(): StreamSink {
    const appliers = this.#appliers
    const counters = this.#counters
    return {
      begin: (commitLsn) => {
        this.#position.begin()
        for (let i = 0; i < appliers.length; i++) {
          this.#skips[i] = commitLsn < this.#progress[i]
          this.#touched[i] = false
        }
      },
      row: (key, version, bytes, start, end) => {
        counters.rowsReceived++
        const index = appliers.length === 1 ? 0 : hashNumber(key, APPLIER_SALT) % appliers.length
        if (this.#skips[index]) {
          counters.rowsSkipped++
          return
        }
        this.#touched[index] = true
        this.#heldBytes += end - start
        appliers[index].queue.push(key, version, bytes, start, end)
      },
      commit: (endLsn, bytes, at) => {
        counters.transactions++
        const transaction = { endLsn, waiting: 0 }
        const position = Buffer.from(bytes.subarray(at, at + POSITION_BYTES))
        for (let i = 0; i < appliers.length; i++) {
          if (!this.#touched[i]) continue
          transaction.waiting++
          appliers[i].queue.mark(transaction, position)
        }
        this.#position.commit(transaction)
      },
      keepalive: (endLsn, replyAsked) => {
        this.#position.keepalive(endLsn)
        if (replyAsked) this.#tell()
      },
    }
  }

  #chunkRead(bytes: number): void {
    this.#heardMs = performance.now()
    this.#counters.bytesReceived += bytes
    if (!this.#paused && this.#heldBytes > HELD_BYTES_HIGH) this.#pause(true)
    for (const applier of this.#appliers) applier.kick()
  }

  #applied(
    batch: { rows: number; superseded: number; bytes: number; transactions: readonly SourceTransaction[] },
    changed: number,
  ): void {
    const counters = this.#counters
    counters.rowsApplied += changed
    counters.rowsOlder += batch.rows - changed
    counters.rowsSuperseded += batch.superseded
    counters.batches++
    for (const transaction of batch.transactions) transaction.waiting--
    this.#heldBytes -= batch.bytes
    if (this.#paused && this.#heldBytes < HELD_BYTES_LOW) this.#pause(false)
  }

  /** Stops reading while the appliers hold too much, and lets them cut a transaction that may be all they hold. */
  #pause(paused: boolean): void {
    this.#paused = paused
    for (const applier of this.#appliers) applier.mayCut = paused
    this.#heardMs = performance.now()
    if (paused) this.#stream?.pause()
    else this.#stream?.resume()
  }

  /** Finds out what is durable by now, tells the source, and notices when it has gone silent. */
  async #check(): Promise<void> {
    const silentMs = performance.now() - this.#heardMs
    if (!this.#paused && silentMs > SILENCE_MS_MAX) {
      this.#failure.reject(new Error(`nothing heard from ${this.#config.source.name} for ${Math.round(silentMs)} ms`))
      return
    }
    if (performance.now() - this.#toldMs > STATUS_EVERY_MS) this.#tell()
    const committedLsn = this.#position.settle()
    if (this.#checking || (this.#awaitingDisk === undefined && committedLsn <= this.#confirmedLsn)) return
    this.#checking = true
    try {
      const { rows } = await (this.#watcher as Client).query<{ inserted: string; flushed: string }>(
        'SELECT pg_current_wal_insert_lsn() AS inserted, pg_current_wal_flush_lsn() AS flushed',
      )
      const inserted = parseLsn(rows[0].inserted)
      const flushed = parseLsn(rows[0].flushed)
      const waiting = this.#awaitingDisk
      // All that was committed when we asked lies before `inserted`, so that it is durable when `flushed` has got there.
      if (flushed >= inserted) this.#confirm(committedLsn)
      else if (waiting === undefined) this.#awaitingDisk = { lsn: committedLsn, localLsn: inserted }
      else if (flushed >= waiting.localLsn) {
        this.#confirm(waiting.lsn)
        this.#awaitingDisk = { lsn: committedLsn, localLsn: inserted }
      }
    } catch (error) {
      this.#failure.reject(error)
    } finally {
      this.#checking = false
    }
  }

  #confirm(lsn: number): void {
    this.#awaitingDisk = undefined
    if (lsn <= this.#confirmedLsn) return
    this.#confirmedLsn = lsn
    this.#tell()
  }

  #tell(): void {
    this.#toldMs = performance.now()
    this.#stream?.confirm(this.#confirmedLsn)
  }

  /** Ends every connection; nothing is lost, since the source still holds what was not confirmed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#failure.promise.catch(() => {})
    this.#stream?.close()
    for (const applier of this.#appliers) applier.stop()
    if (this.#watcher !== undefined) await disconnect(this.#watcher)
  }
}
