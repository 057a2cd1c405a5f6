// One writer: the keys that it owns in its DC, one session, its waiting rows and the batches that it has under way.
import type { RowBatch } from '../contract/table.ts'
import { OUTCOME, REJECTED, UNANSWERED, type WriteResult } from '../contract/outcome.ts'
import type { Session } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import type { ContentMaker } from '../lib/content.ts'
import type { HybridClock } from '../lib/dot.ts'
import { packDot } from '../lib/dot.ts'
import { WRITE_FLAG } from '../lib/ledger-format.ts'
import { hashNumber } from '../lib/random.ts'
import { BatchBuffers } from './batch.ts'
import { PendingRows } from './pending.ts'
import { outcomeOf, recordSent, recordSettled, recordUnsent, type RecordedRows, type Recorder } from './row-record.ts'
import type { TouchedKeys } from './touched.ts'
import type { Turns } from './turns.ts'

const PROBE_SALT = 0x50524f42
/** Of a write that its session owes an answer for too long. */
const NO_ANSWER: WriteResult = { outcome: OUTCOME.info, error: UNANSWERED }

/** Stored rows of one batch that the probers of the other DCs are to look for. */
interface ProbedRows {
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly versions: Float64Array
}

/** What a lane tells its generator. */
export interface LaneEvents {
  /** A batch is about to be sent at `sentUs`; `probed` is absent when it has no row to probe. */
  sent(sentUs: number, rows: number, slipUs: number, probed: ProbedRows | undefined): void
  /** Rows that are probed were stored with higher versions than those they were sent with. */
  raised(dots: Float64Array, versions: Float64Array): void
  /** `outcomes` has that of each of the rows, where the store told them apart; `sentUs` is absent where nothing was sent. */
  settled(result: WriteResult, rows: number, ackedUs: number, outcomes?: Uint8Array, sentUs?: number): void
  /** Rows whose turn had not come have been given up. */
  declined(rows: number): void
}

export interface LaneOptions {
  readonly dcIndex: number
  readonly incarnation: number
  readonly phase: number
  readonly seed: number
  readonly epochUs: number
  readonly batchRows: number
  readonly lingerUs: number
  readonly inFlight: number
  readonly pendingRowsMax: number
  /** Share of stored rows to probe, 0 … 1. */
  readonly probeShare: number
  /** When a write counts as unknown, whatever its session does. */
  readonly unansweredAfterUs: number
}

export class Lane {
  readonly pending: PendingRows
  readonly #session: Session
  readonly #options: LaneOptions
  readonly #clock: HybridClock
  readonly #recorder: Recorder
  readonly #touched: TouchedKeys
  readonly #events: LaneEvents
  readonly #turns: Turns | undefined
  readonly #content: ContentMaker
  readonly #all: BatchBuffers[]
  readonly #free: BatchBuffers[]
  readonly #inFlightMax: number
  #sequence = 1
  #freeSinceUs = 0
  underWay = 0

  constructor(
    session: Session,
    options: LaneOptions,
    content: ContentMaker,
    clock: HybridClock,
    recorder: Recorder,
    touched: TouchedKeys,
    events: LaneEvents,
    turns?: Turns,
  ) {
    this.#session = session
    this.#options = options
    this.#clock = clock
    this.#recorder = recorder
    this.#touched = touched
    this.#events = events
    this.#turns = turns
    this.#inFlightMax = options.inFlight
    this.#content = content
    this.#all = Array.from({ length: options.inFlight }, () => new BatchBuffers(options.batchRows, content))
    this.#free = [...this.#all]
    this.pending = new PendingRows(options.pendingRowsMax)
  }

  get hasRoom(): boolean {
    return this.underWay < this.#inFlightMax
  }

  /** When the next batch closes: when it is full, or when its first row has waited for the linger; infinite when nothing waits. */
  closesAtUs(): number {
    const { length } = this.pending
    if (length === 0) return Number.POSITIVE_INFINITY
    const lingerEnd = this.pending.intendedUs(0) + this.#options.lingerUs
    if (length < this.#options.batchRows) return lingerEnd
    return Math.min(lingerEnd, this.pending.intendedUs(this.#options.batchRows - 1))
  }

  /** Sends the oldest waiting rows as one batch. In a closed loop they are due when they are sent. */
  send(closedLoop: boolean): void {
    const buffers = this.#free.pop()
    if (buffers === undefined) throw new TypeError('no room for another batch')
    const lateFromUs = closedLoop ? undefined : Math.max(this.closesAtUs(), this.#freeSinceUs)
    buffers.arrived = this.pending.take(this.#options.batchRows, buffers.keys, buffers.intendedUs, buffers.operations)
    this.underWay++
    if (this.#turns === undefined) this.#write(buffers, lateFromUs)
    else void this.#writeInTurn(buffers, lateFromUs, this.#turns)
  }

  /** Writes that have been under way for too long are unknown from here on; an answer that comes later is none. */
  giveUpUnanswered(atUs: number): void {
    const { batchRows, unansweredAfterUs } = this.#options
    for (const [i, { settle, sentUs }] of this.#all.entries()) {
      if (settle === undefined || atUs - sentUs < unansweredAfterUs) continue
      // Whoever owes the answer may still read the old ones.
      this.#all[i] = new BatchBuffers(batchRows, this.#content)
      settle(NO_ANSWER, this.#all[i])
    }
  }

  /** Sends what is in the buffers; how late it is counts to `startedUs` where there was something to do before. */
  #write(buffers: BatchBuffers, lateFromUs: number | undefined, startedUs?: number): void {
    const { dcIndex } = this.#options
    const batch = buffers.build(this.#takeDots(buffers.arrived))
    // After the rows are made, which is no part of the service; before the version is drawn, so that what was acknowledged
    // before a write was sent has the lower version, with one clock.
    const sentUs = nowUs()
    buffers.stamp(this.#clock.next())
    if (lateFromUs === undefined) buffers.dueAt(startedUs ?? sentUs)
    const rows = recordSent(this.#recorder, buffers, batch, sentUs, this.#options)
    for (let i = 0; i < batch.count; i++) this.#touched.add(batch.keys[i])
    const slipUs = lateFromUs === undefined ? 0 : (startedUs ?? sentUs) - lateFromUs
    this.#events.sent(sentUs, buffers.arrived, slipUs, this.#probed(rows, buffers, batch))
    const settle = (result: WriteResult, next = buffers) => {
      if (buffers.settle !== settle) return
      buffers.settle = undefined
      const ackedUs = nowUs()
      recordSettled(this.#recorder, rows, buffers, batch, result, ackedUs - sentUs, dcIndex)
      this.#learn(batch, result)
      const { arrived, becomes } = buffers
      const outcomes =
        result.rowOutcomes && Uint8Array.from({ length: arrived }, (_, i) => outcomeOf(result, becomes[i]))
      this.#release(next, ackedUs)
      this.#events.settled(result, arrived, ackedUs, outcomes, sentUs)
    }
    buffers.sentUs = sentUs
    buffers.settle = settle
    // A rejected write is a driver's bug; the row's fate is unknown all the same.
    const onRejected = (error: unknown) => settle({ outcome: OUTCOME.info, error: `${REJECTED}${String(error)}` })
    this.#session.write(batch).then(settle, onRejected)
  }

  /** Sends those rows whose turn has come; the clock has passed what they replace, so that they are later than that. */
  async #writeInTurn(buffers: BatchBuffers, lateFromUs: number | undefined, turns: Turns): Promise<void> {
    const startedUs = nowUs()
    const asked = buffers.arrived
    if (lateFromUs === undefined) buffers.dueAt(startedUs)
    let kept = 0
    let failure: WriteResult | undefined
    try {
      const { isTurn, newestVersion } = await turns.take(buffers.keys, asked)
      this.#clock.observe(newestVersion)
      for (let i = 0; i < asked; i++) {
        if (isTurn[i] === 0) this.#giveUp(buffers, i, WRITE_FLAG.declined)
        else buffers.move(i, kept++)
      }
    } catch (error) {
      failure = { outcome: OUTCOME.fail, error: `turn: ${String(error)}` }
      for (let i = 0; i < asked; i++) this.#giveUp(buffers, i, 0)
    }
    buffers.arrived = kept
    if (kept > 0) this.#write(buffers, lateFromUs, startedUs)
    else this.#release(buffers, nowUs())
    if (failure !== undefined) this.#events.settled(failure, asked, nowUs())
    else if (kept < asked) this.#events.declined(asked - kept)
  }

  #takeDots(count: number): number {
    const first = packDot(this.#options.dcIndex, this.#options.incarnation, this.#sequence)
    this.#sequence += count
    return first
  }

  #giveUp({ keys, intendedUs, operations }: BatchBuffers, i: number, flags: number): void {
    const row = { key: keys[i], dot: this.#takeDots(1), intendedUs: intendedUs[i], operation: operations[i] }
    recordUnsent(this.#recorder, row, flags, nowUs(), this.#options)
  }

  #probed(rows: RecordedRows, buffers: BatchBuffers, batch: RowBatch): ProbedRows | undefined {
    if (this.#options.probeShare === 0) return undefined
    const keys: number[] = []
    const dots: number[] = []
    const versions: number[] = []
    for (let i = 0; i < batch.count; i++) {
      if (!this.#isProbed(batch.dots[i])) continue
      keys.push(batch.keys[i])
      dots.push(batch.dots[i])
      versions.push(batch.versions[i])
      rows.columns.flags[rows.start + buffers.place[i]] |= WRITE_FLAG.probed
    }
    if (keys.length === 0) return undefined
    return { keys: Float64Array.from(keys), dots: Float64Array.from(dots), versions: Float64Array.from(versions) }
  }

  #isProbed(dot: number): boolean {
    return hashNumber(dot, this.#options.seed ^ PROBE_SALT) < this.#options.probeShare * 4294967296
  }

  /** The clock and the probers learn what the store raised. */
  #noteRaised(batch: RowBatch, stored: Float64Array): void {
    const raised: number[] = []
    for (let i = 0; i < batch.count; i++) {
      if (stored[i] === 0) continue
      this.#clock.observe(stored[i])
      if (this.#isProbed(batch.dots[i])) raised.push(i)
    }
    if (raised.length === 0) return
    const of = (values: Float64Array) => Float64Array.from(raised, (i) => values[i])
    this.#events.raised(of(batch.dots), of(stored))
  }

  /** What the store raised is passed on, and the keys' next turns may be taken where the outcome is known. */
  #learn(batch: RowBatch, result: WriteResult): void {
    if (result.storedVersions !== undefined) this.#noteRaised(batch, result.storedVersions)
    if (this.#turns === undefined) return
    for (let i = 0; i < batch.count; i++) {
      if (outcomeOf(result, i) !== OUTCOME.info) this.#turns.giveBack(batch.keys[i])
    }
  }

  #release(buffers: BatchBuffers, atUs: number): void {
    this.#free.push(buffers)
    // Only a lane that had no room was kept from sending by its session; else the wait was the client's.
    if (!this.hasRoom) this.#freeSinceUs = atUs
    this.underWay--
  }
}
