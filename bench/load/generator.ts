// Fires one worker's share of a DC's operations: open loop on the schedule, or closed loop as fast as the sessions go.
import { nowUs } from '../lib/clock.ts'
import { DurationCounts } from '../lib/duration-counts.ts'
import { percentileMs } from '../lib/histogram.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { type Arrivals, laneOf } from './arrivals.ts'
import type { Lane, LaneEvents } from './lane.ts'

/**
 * At high rates rows are gathered so long rather than fired one by one: it bounds what waking costs, and makes a row later by no
 * more than this.
 */
const GATHER_US = 100

/** One-shot precise timer; bench/lib's Alarm is one. */
interface Timer {
  set(atUs: number): void
  clear(): void
}

export interface GeneratorPlan {
  readonly writers: number
  readonly worker: number
  readonly workers: number
  readonly lingerUs: number
  readonly batchRows: number
  readonly startUs: number
  readonly endUs: number
  /** Closed loop: every session is kept busy, intended times are send times. */
  readonly closedLoop: boolean
  /** How long after the end of the phase rows that already arrived may still be sent. */
  readonly graceUs: number
}

/** What a generator counted in one phase; rows unless named otherwise. */
interface GeneratorCounts {
  offered: number
  sent: number
  acknowledged: number
  failed: number
  /** Not sent, since their turn had not come. */
  declined: number
  unknown: number
  dropped: number
  lastOutcomeUs: number
}

/** One phase of one worker. `lanes[i]` is writer i × workers + worker of the DC. */
export class Generator {
  readonly counts: GeneratorCounts = {
    offered: 0,
    sent: 0,
    acknowledged: 0,
    failed: 0,
    declined: 0,
    unknown: 0,
    dropped: 0,
    lastOutcomeUs: 0,
  }
  readonly errors: Record<string, number> = {}
  readonly #plan: GeneratorPlan
  readonly #arrivals: Arrivals
  readonly #timer: Timer
  readonly #slip = new DurationCounts()
  readonly #service = new DurationCounts()
  #endUs: number
  #lanes: readonly Lane[] = []
  #finished: (() => void) | undefined
  #soon: NodeJS.Immediate | undefined

  constructor(plan: GeneratorPlan, arrivals: Arrivals, timer: Timer) {
    this.#plan = plan
    this.#endUs = plan.endUs
    this.counts.lastOutcomeUs = plan.startUs
    this.#arrivals = arrivals
    this.#timer = timer
  }

  /** Counts a batch that a lane sent; to be called from the lane's events. */
  readonly onSent = (rows: number, slipUs: number): void => {
    this.counts.sent += rows
    this.#slip.record(slipUs)
  }

  readonly onSettled: LaneEvents['settled'] = (result, rows, ackedUs, outcomes, sentUs) => {
    const { counts } = this
    if (sentUs !== undefined && result.outcome === OUTCOME.ok) this.#service.record(ackedUs - sentUs)
    if (outcomes === undefined) this.#count(result.outcome, rows)
    else for (const outcome of outcomes) this.#count(outcome, 1)
    if (result.error !== undefined) this.errors[result.error] = (this.errors[result.error] ?? 0) + 1
    counts.lastOutcomeUs = ackedUs
    this.#goOn()
  }

  #count(outcome: number, rows: number): void {
    const { counts } = this
    if (outcome === OUTCOME.ok) counts.acknowledged += rows
    else if (outcome === OUTCOME.fail) counts.failed += rows
    else counts.unknown += rows
  }

  readonly onDeclined: LaneEvents['declined'] = (rows) => {
    this.counts.declined += rows
    this.#goOn()
  }

  /** A session may have room again. */
  #goOn(): void {
    if (this.#plan.closedLoop) this.#pumpSoon()
    else this.#pump()
  }

  /** After what else is waiting: a store that answers at once must not keep the thread from its timers and messages. */
  #pumpSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      this.#pump()
    })
  }

  /** A percentile of the slip; null when nothing was sent. */
  slipMs(percentile: number): number | null {
    const value = percentileMs(this.#slip.histogram(), percentile)
    return Number.isNaN(value) ? null : value
  }

  /** The median service time of the batches acknowledged since this was last asked; null when there was none. */
  takeServiceP50Ms(): number | null {
    const value = percentileMs(this.#service.histogram(), 50)
    this.#service.reset()
    return Number.isNaN(value) ? null : value
  }

  /** The phase ends at `atUs` instead, which must not be past, nor later than its end was to be. */
  endAt(atUs: number): void {
    this.#endUs = Math.min(this.#endUs, atUs)
    this.#pump()
  }

  /** Runs the phase to its end: every batch that was sent has its outcome, every row that was not is counted as dropped. */
  run(lanes: readonly Lane[]): Promise<void> {
    this.#lanes = lanes
    return new Promise((resolve) => {
      this.#finished = resolve
      this.#timer.set(this.#plan.startUs)
    })
  }

  /** Writes whose answer does not come are unknown; to be called now and then. */
  giveUpUnanswered(): void {
    const now = nowUs()
    for (const lane of this.#lanes) lane.giveUpUnanswered(now)
  }

  /** The timer rang. */
  readonly ring = (): void => this.#pump()

  #pump(): void {
    const now = nowUs()
    if (this.#finished === undefined) return
    if (now < this.#plan.startUs) return this.#timer.set(this.#plan.startUs)
    const over = now >= this.#endUs
    if (this.#plan.closedLoop) this.#pumpClosed(over)
    else this.#pumpOpen(now, over)
    if (over) this.#finish(now)
  }

  #pumpClosed(over: boolean): void {
    if (over) return
    for (const lane of this.#lanes) {
      while (lane.hasRoom) {
        this.#gather(lane)
        if (lane.pending.length < this.#plan.batchRows) break
        lane.send(true)
      }
    }
    this.#timer.set(this.#endUs)
  }

  /** Draws arrivals until the lane has a full batch, or the owner of the next key has no place for it and must go first. */
  #gather(lane: Lane): void {
    const { writers, worker, workers, batchRows } = this.#plan
    while (lane.pending.length < batchRows) {
      const { key } = this.#arrivals
      const owner = laneOf(key, writers, worker, workers)
      if (owner >= 0) {
        if (!this.#lanes[owner].pending.push(key, 0, this.#arrivals.operation)) return
        this.counts.offered++
      }
      this.#arrivals.advance()
    }
  }

  #pumpOpen(now: number, over: boolean): void {
    this.#admit(over ? this.#endUs : now)
    let wakeUs = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes) {
      while (lane.hasRoom && (over ? lane.pending.length > 0 : lane.closesAtUs() <= now)) lane.send(false)
      if (lane.hasRoom) wakeUs = Math.min(wakeUs, lane.closesAtUs())
    }
    if (over) return
    // The next row to arrive opens a batch that lasts for the linger; a batch that fills up earlier closes earlier.
    const { startUs, lingerUs, batchRows } = this.#plan
    wakeUs = Math.min(wakeUs, startUs + this.#arrivals.offsetUs + lingerUs)
    let room = batchRows
    for (const lane of this.#lanes) {
      if (lane.hasRoom) room = Math.min(room, Math.max(1, batchRows - lane.pending.length))
    }
    if (room > 1 || lingerUs === 0) wakeUs = Math.min(wakeUs, startUs + this.#arrivals.peekOffsetUs(room - 1))
    this.#timer.set(Math.min(Math.max(wakeUs, now + GATHER_US), this.#endUs))
  }

  /** Hands every arrival that is due to the writer who owns its key. */
  #admit(untilUs: number): void {
    const { startUs, writers, worker, workers } = this.#plan
    const limitUs = Math.min(untilUs, this.#endUs) - startUs
    while (this.#arrivals.offsetUs <= limitUs) {
      const { key } = this.#arrivals
      const owner = laneOf(key, writers, worker, workers)
      if (owner >= 0) {
        this.counts.offered++
        if (!this.#lanes[owner].pending.push(key, startUs + this.#arrivals.offsetUs, this.#arrivals.operation)) {
          this.counts.dropped++
        }
      }
      this.#arrivals.advance()
    }
  }

  #finish(now: number): void {
    const { graceUs, closedLoop } = this.#plan
    const endUs = this.#endUs
    const giveUp = closedLoop || now >= endUs + graceUs
    for (const lane of this.#lanes) {
      if (giveUp) {
        const rows = lane.pending.clear()
        if (closedLoop) this.counts.offered -= rows
        else this.counts.dropped += rows
      }
    }
    if (this.#lanes.some((lane) => lane.underWay > 0 || lane.pending.length > 0)) {
      this.#timer.set(now < endUs + graceUs ? endUs + graceUs : now + 100_000)
      return
    }
    this.#timer.clear()
    const finished = this.#finished
    this.#finished = undefined
    finished?.()
  }
}
