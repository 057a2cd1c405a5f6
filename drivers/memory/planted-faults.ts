// What a memory node does wrong when it is told to, and an exact account of it. Which rows are hit is a pure function of
// (seed, dot), so that a test can say beforehand what the harness must find.
import { hashNumber } from '../../bench/lib/random.ts'
import { type Disturbance, FATE, type Fate } from '../replication/node/disturbance.ts'
import type { MemorySettings } from './settings.ts'

/** An echo comes this long after the row: late enough for a newer row to have come in between. */
const ECHO_DELAY_MS = 50

/** Each fault hits rows of its own, independently of the others. */
const SALT = { lose: 0x6c6f7365, loseEverywhere: 0x67306e65, duplicate: 0x6475706c } as const

/** Whether the row write `dot` is among the `share` of rows that a fault hits. */
export function isHit(fault: keyof typeof SALT, share: number, seed: number, dot: number): boolean {
  return share > 0 && hashNumber(dot, (seed ^ SALT[fault]) | 0) / 2 ** 32 < share
}

export class PlantedFaults implements Disturbance {
  readonly applyDelayMs: number
  readonly acknowledgeDelayMs: number
  readonly echoDelayMs = ECHO_DELAY_MS
  readonly #settings: MemorySettings
  readonly #seed: number
  readonly #counts = {
    planted_lost_rows: 0,
    planted_lost_everywhere_rows: 0,
    planted_duplicate_rows: 0,
    planted_regressed_rows: 0,
  }

  constructor(settings: MemorySettings, seed: number) {
    this.applyDelayMs = settings.delayMs
    this.acknowledgeDelayMs = settings.slowAckMs
    this.#settings = settings
    this.#seed = seed
  }

  fate(dot: number): Fate {
    if (isHit('loseEverywhere', this.#settings.loseEverywhere, this.#seed, dot)) {
      this.#counts.planted_lost_everywhere_rows++
      return FATE.unstored
    }
    if (isHit('lose', this.#settings.lose, this.#seed, dot)) {
      this.#counts.planted_lost_rows++
      return FATE.unshipped
    }
    return FATE.kept
  }

  echoes(dot: number): boolean {
    const hit = isHit('duplicate', this.#settings.duplicate, this.#seed, dot)
    if (hit) this.#counts.planted_duplicate_rows++
    return hit
  }

  echoRegressed(): void {
    this.#counts.planted_regressed_rows++
  }

  counts(): Readonly<Record<string, number>> {
    return this.#counts
  }
}
