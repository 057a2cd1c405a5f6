// A warm-up that lasts until the system is steady: the load under way is looked at in windows, until what a row costs falls no more.
import type { CostWindow, WarmUpStretch } from '../contract/warm-up.ts'
import type { CalibrationRamp } from './calibrate.ts'
import { delay, nowUs } from '../lib/clock.ts'
import type { House } from './house.ts'
import { steadinessOf, type Steadiness } from './steadiness.ts'
import { ORDER_AHEAD_US, type PhaseOrder } from './thread-plan.ts'
import type { PhaseResult, Threads } from './threads.ts'

const WINDOW_MS = 2000

/** How long all stretches of a run may take together, and how much of that one before a calibration. */
const MOST_MS = 150_000
const CALIBRATION_MOST_MS = 100_000

interface Reading {
  readonly atUs: number
  /** null: not every server is ours to measure. */
  readonly cpuSeconds: number | null
  readonly rows: number
  readonly serviceP50Ms: readonly (number | null)[]
}

async function readingOf(threads: Threads, house: House): Promise<Reading> {
  const [counts, usages] = await Promise.all([threads.counts(), house.usage()])
  const servers = usages.filter(({ role }) => role !== 'link')
  return {
    atUs: nowUs(),
    cpuSeconds: servers.reduce<number | null>(
      (sum, { cpuSeconds }) => (sum === null || cpuSeconds === null ? null : sum + cpuSeconds),
      0,
    ),
    rows: counts.reduce((sum, { rows }) => sum + rows, 0),
    serviceP50Ms: counts.map(({ serviceP50Ms }) => serviceP50Ms),
  }
}

function windowBetween(from: Reading, to: Reading): CostWindow {
  const seconds = (to.atUs - from.atUs) / 1e6
  const rows = to.rows - from.rows
  const cpuUs = to.cpuSeconds === null || from.cpuSeconds === null ? null : (to.cpuSeconds - from.cpuSeconds) * 1e6
  return {
    seconds,
    rowsPerSecond: rows / seconds,
    cpuUsPerRow: rows > 0 && cpuUs !== null ? cpuUs / rows : null,
    serviceP50Ms: to.serviceP50Ms,
  }
}

/** Says how a window went and what the judgement so far is. */
function costText({ cpuUsPerRow, serviceP50Ms }: CostWindow, { steady, fall }: Steadiness): string {
  const times = serviceP50Ms.flatMap((ms) => (ms === null ? [] : [ms]))
  const service = times.length === 0 ? 'no answers' : `service p50 ${Math.max(...times).toFixed(1)} ms`
  const judged = steady ? ', steady' : fall === null ? '' : ', not yet steady'
  return `a row costs ${cpuUsPerRow === null ? 'n/a' : cpuUsPerRow.toFixed(0)} µs of CPU, ${service}${judged}`
}

/** All stretches in which one run warms up until it is steady. */
export class WarmUp {
  readonly stretches: WarmUpStretch[] = []
  readonly #threads: Threads
  readonly #house: House
  readonly #live: (text: string) => void
  readonly #signal: AbortSignal
  readonly #windowMs: number

  constructor(threads: Threads, house: House, live: (text: string) => void, signal: AbortSignal, windowMs = WINDOW_MS) {
    this.#threads = threads
    this.#house = house
    this.#live = live
    this.#signal = signal
    this.#windowMs = windowMs
  }

  /** What a closed loop does before it is counted. */
  ramp(): CalibrationRamp {
    return {
      mostMs: CALIBRATION_MOST_MS,
      untilSteady: () => this.#untilSteady('calibrate', CALIBRATION_MOST_MS, this.#signal),
    }
  }

  /** What is left for the warm-up at the rate. */
  get leftMs(): number {
    const warmed = this.stretches.flatMap(({ windows }) => windows)
    return MOST_MS - warmed.reduce((ms, { seconds }) => ms + seconds * 1000, 0)
  }

  /** Runs a phase and ends it as soon as the system is steady, before its ordered end. Says when it really ended. */
  async phase(order: PhaseOrder): Promise<{ readonly result: PhaseResult; readonly endUs: number }> {
    const failed = new AbortController()
    const signal = AbortSignal.any([this.#signal, failed.signal])
    const watching = this.#untilSteady('warmup', (order.endUs - nowUs()) / 1000, signal).then(() => {
      const endUs = Math.min(order.endUs, nowUs() + ORDER_AHEAD_US)
      this.#threads.endPhase(endUs)
      return endUs
    })
    try {
      const [result, endUs] = await Promise.all([this.#threads.phase(order), watching])
      return { result, endUs }
    } finally {
      failed.abort()
    }
  }

  /** Resolves when the load that is under way has made the system steady, or `mostMs` are over. */
  async #untilSteady(phase: WarmUpStretch['phase'], mostMs: number, signal: AbortSignal): Promise<void> {
    const windows: CostWindow[] = []
    let before = await readingOf(this.#threads, this.#house)
    const lastUs = before.atUs + (mostMs - this.#windowMs) * 1000
    for (;;) {
      await delay(this.#windowMs, signal)
      const now = await readingOf(this.#threads, this.#house)
      windows.push(windowBetween(before, now))
      before = now
      const judged = steadinessOf(windows)
      this.#live(costText(windows[windows.length - 1], judged))
      if (!judged.steady && now.atUs < lastUs) continue
      this.stretches.push({ phase, ...judged, windows })
      return
    }
  }
}
