// The identity and the order of one row write, each packed in a safe integer so that any store can keep it.
//
//   dot     = dc (4 bits) · incarnation (13 bits) · sequence (36 bits)
//   version = µs of the hybrid logical clock, its low 4 bits replaced by the DC's index
//
// Dots of one DC on one key grow in the order of the writes: a key has one writer in a DC, and a restarted writer
// (or a later phase of the run) is a larger incarnation.

const SEQUENCE_SPAN = 2 ** 36
const DC_SPAN = 2 ** 49
/** Writers a DC may have in one phase. */
export const WRITERS_MAX = 256

/** Phases of a run in their order; each is an incarnation of every writer. */
export const PHASE = { load: 0, calibrate: 1, warmup: 2, measure: 3 } as const

/** How many phases there are. */
export const PHASES = Object.keys(PHASE).length

/** The incarnation of writer `writer` in `phase`, after `restarts` restarts. */
export function incarnationOf(phase: number, writer: number, restarts = 0): number {
  return (phase + restarts * PHASES) * WRITERS_MAX + writer
}

/** The phase in which an incarnation wrote. */
export function phaseOf(incarnation: number): number {
  return Math.floor(incarnation / WRITERS_MAX) % PHASES
}

/** Packs a dot; `sequence` counts from 1, so that no dot is 0. */
export function packDot(dcIndex: number, incarnation: number, sequence: number): number {
  return dcIndex * DC_SPAN + incarnation * SEQUENCE_SPAN + sequence
}

export function dotDc(dot: number): number {
  return Math.floor(dot / DC_SPAN)
}

export function dotIncarnation(dot: number): number {
  return Math.floor((dot % DC_SPAN) / SEQUENCE_SPAN)
}

/** How many writes its incarnation had made with it. */
export function dotSequence(dot: number): number {
  return dot % SEQUENCE_SPAN
}

/** The dot of a row as loaded before the run: the same in every DC. */
export function loadedDot(key: number): number {
  return packDot(0, 0, key + 1)
}

/** The version of every loaded row: below every version of a write. */
export const LOADED_VERSION = 16

/** The least version of DC `dcIndex` that is above `version`. */
export function nextVersion(version: number, dcIndex: number): number {
  return (Math.floor(version / 16) + 1) * 16 + dcIndex
}

/**
 * A hybrid logical clock (Kulkarni et al., 2014) in one integer: physical µs rounded down to 16, moved past whatever was
 * seen, with the DC's index in the low four bits.
 */
export class HybridClock {
  readonly #dcIndex: number
  readonly #wallUs: () => number
  #last = 0

  /** @param wallUs the wall clock in µs, shared by all of a run's writers (plus a planted skew). */
  constructor(dcIndex: number, wallUs: () => number) {
    this.#dcIndex = dcIndex
    this.#wallUs = wallUs
  }

  /** A version above every earlier one of this clock and every observed one. */
  next(): number {
    const wall = Math.floor(this.#wallUs() / 16) * 16 + this.#dcIndex
    this.#last = wall > this.#last ? wall : nextVersion(this.#last, this.#dcIndex)
    return this.#last
  }

  /** Moves past a version that was read or applied. */
  observe(version: number): void {
    if (version > this.#last) this.#last = version
  }
}
