// One writer: the keys that it owns in its DC, one session, its waiting rows and the batches that it has under way.
import type { RowBatch } from '../contract/table.ts'
import { OUTCOME, type WriteResult } from '../contract/outcome.ts'
import type { Session } from '../contract/driver.ts'
import { logicalBytes } from '../contract/table.ts'
import { nowUs } from '../lib/clock.ts'
import type { ContentMaker } from '../lib/content.ts'
import type { HybridClock } from '../lib/dot.ts'
import { packDot } from '../lib/dot.ts'
import { WRITE_FLAG, type WritesBlock } from '../lib/ledger-format.ts'
import { hashNumber } from '../lib/random.ts'
import { BatchBuffers } from './batch.ts'
import { PendingRows } from './pending.ts'
import type { TouchedKeys } from './touched.ts'

const PROBE_SALT = 0x50524f42

/** Where row writes are recorded; bench/measure's ledger is one. */
export interface Recorder {
  reserve(count: number): { readonly columns: WritesBlock; readonly start: number; readonly count: number }
  settle(rows: ReturnType<Recorder['reserve']>): void
}

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
  settled(result: WriteResult, rows: number, ackedUs: number): void
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
}

export class Lane {
  readonly pending: PendingRows
  readonly #session: Session
  readonly #options: LaneOptions
  readonly #clock: HybridClock
  readonly #recorder: Recorder
  readonly #touched: TouchedKeys
  readonly #events: LaneEvents
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
  ) {
    this.#session = session
    this.#options = options
    this.#clock = clock
    this.#recorder = recorder
    this.#touched = touched
    this.#events = events
    this.#inFlightMax = options.inFlight
    this.#free = Array.from({ length: options.inFlight }, () => new BatchBuffers(options.batchRows, content))
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
    const closedAtUs = this.closesAtUs()
    const { batchRows, dcIndex, incarnation } = this.#options
    buffers.arrived = this.pending.take(batchRows, buffers.keys, buffers.intendedUs, buffers.operations)
    const firstDot = packDot(dcIndex, incarnation, this.#sequence)
    this.#sequence += buffers.arrived
    const batch = buffers.build(firstDot, this.#clock.next())
    const sentUs = nowUs()
    if (closedLoop) buffers.intendedUs.fill(sentUs, 0, buffers.arrived)
    const rows = this.#record(buffers, batch, sentUs)
    const slipUs = closedLoop ? 0 : sentUs - Math.max(closedAtUs, this.#freeSinceUs)
    this.#events.sent(sentUs, buffers.arrived, slipUs, this.#probed(rows, buffers, batch))
    this.underWay++
    this.#session.write(batch).then(
      (result) => this.#settle(buffers, batch, rows, sentUs, result),
      // A rejected write is a driver's bug; the row's fate is unknown all the same.
      (error: unknown) =>
        this.#settle(buffers, batch, rows, sentUs, { outcome: OUTCOME.info, error: `driver: ${String(error)}` }),
    )
  }

  #record(buffers: BatchBuffers, batch: RowBatch, sentUs: number): ReturnType<Recorder['reserve']> {
    const { arrived } = buffers
    const rows = this.#recorder.reserve(arrived)
    const { columns, start } = rows
    const { epochUs, phase } = this.#options
    for (let i = 0; i < arrived; i++) {
      const at = start + i
      columns.key[at] = buffers.keys[i]
      columns.dot[at] = buffers.dots[i]
      columns.intendedUs[at] = buffers.intendedUs[i] - epochUs
      columns.sentAfterUs[at] = Math.max(0, sentUs - buffers.intendedUs[i])
      columns.operation[at] = buffers.operations[i]
      columns.outcome[at] = OUTCOME.pending
      columns.flags[at] = buffers.coalesced[i] === 1 ? WRITE_FLAG.coalesced : 0
      columns.phase[at] = phase
      columns.version[at] = 0
      columns.logicalBytes[at] = 0
    }
    for (let i = 0; i < batch.count; i++) {
      const at = start + buffers.place[i]
      columns.version[at] = batch.versions[i]
      columns.logicalBytes[at] = logicalBytes(batch, i)
      this.#touched.add(batch.keys[i])
    }
    return rows
  }

  #probed(rows: ReturnType<Recorder['reserve']>, buffers: BatchBuffers, batch: RowBatch): ProbedRows | undefined {
    const threshold = this.#options.probeShare * 4294967296
    if (threshold === 0) return undefined
    const keys: number[] = []
    const dots: number[] = []
    const versions: number[] = []
    for (let i = 0; i < batch.count; i++) {
      if (hashNumber(batch.dots[i], this.#options.seed ^ PROBE_SALT) >= threshold) continue
      keys.push(batch.keys[i])
      dots.push(batch.dots[i])
      versions.push(batch.versions[i])
      rows.columns.flags[rows.start + buffers.place[i]] |= WRITE_FLAG.probed
    }
    if (keys.length === 0) return undefined
    return { keys: Float64Array.from(keys), dots: Float64Array.from(dots), versions: Float64Array.from(versions) }
  }

  #settle(
    buffers: BatchBuffers,
    batch: RowBatch,
    rows: ReturnType<Recorder['reserve']>,
    sentUs: number,
    result: WriteResult,
  ): void {
    const ackedUs = nowUs()
    const { columns, start } = rows
    // A coalesced row shares the fate of the batch: it was asked for, and what replaced it came with it.
    columns.outcome.fill(result.outcome, start, start + buffers.arrived)
    columns.ackedAfterUs.fill(ackedUs - sentUs, start, start + buffers.arrived)
    if (result.rowOutcomes !== undefined || result.storedVersions !== undefined) {
      for (let i = 0; i < batch.count; i++) {
        const at = start + buffers.place[i]
        if (result.rowOutcomes !== undefined) columns.outcome[at] = result.rowOutcomes[i]
        const stored = result.storedVersions?.[i] ?? 0
        if (stored === 0) continue
        columns.version[at] = stored
        this.#clock.observe(stored)
      }
    }
    this.#recorder.settle(rows)
    this.#free.push(buffers)
    // Only a lane that had no room was kept from sending by its session; else the wait was the client's.
    if (!this.hasRoom) this.#freeSinceUs = ackedUs
    this.underWay--
    this.#events.settled(result, buffers.arrived, ackedUs)
  }
}
