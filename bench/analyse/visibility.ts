// What the probes of a run say about the visibility of the writes that no clean probe saw, by link.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { PHASE } from '../lib/dot.ts'
import type { ProbedWrites } from './probed-writes.ts'

/** Clean probes that a second needs before its envelope is trusted; else its neighbours join, else the whole phase. */
const CLEAN_PROBES_MIN = 5
const NEIGHBOUR_SECONDS = 2
/** Finest step and largest number of steps of the order evidence, which rounds every bound outwards to a step. */
const STEP_US_MIN = 100
const STEPS_MAX = 1 << 20

/** Bounds for when a write of one DC became visible in another. */
export interface Bounds {
  missUs: number
  hitUs: number
  midUs: number
  source: 'reads' | 'order' | 'second' | 'neighbours' | 'phase' | 'none'
}

interface Envelope {
  low: number
  high: number
  midSum: number
  n: number
}

const emptyEnvelope = (): Envelope => ({
  low: Number.POSITIVE_INFINITY,
  high: Number.NEGATIVE_INFINITY,
  midSum: 0,
  n: 0,
})

/** Threads look into the same one. */
function sharedColumn(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * length))
}

function widen(envelope: Envelope, other: Envelope): void {
  envelope.low = Math.min(envelope.low, other.low)
  envelope.high = Math.max(envelope.high, other.high)
  envelope.midSum += other.midSum
  envelope.n += other.n
}

export interface EvidenceState {
  /** By link: the least time that anything takes from one DC to the other. */
  readonly floorsUs: readonly number[]
  readonly seconds: readonly Map<number, Envelope>[]
  readonly phase: readonly Envelope[]
  readonly stepUs: number
  readonly steps: number
  /** By link and step: latest miss of what was acknowledged by then, earliest hit of what was sent from then on. */
  readonly missed: Float64Array[]
  readonly hit: Float64Array[]
  readonly ordered: boolean
  readonly contradicted: boolean[]
  /** By link: a write was seen sooner than its link carries anything. */
  readonly tooSoon: boolean[]
}

/**
 * Evidence before the first probe.
 * @param floorsUs by link: the least time that anything takes from one DC to the other.
 * @param endUs when the last write was sent.
 */
export function noEvidence(floorsUs: readonly number[], endUs: number, ordered: boolean): EvidenceState {
  const stepUs = Math.max(STEP_US_MIN, Math.ceil(endUs / STEPS_MAX))
  return {
    floorsUs,
    seconds: floorsUs.map(() => new Map()),
    phase: floorsUs.map(emptyEnvelope),
    stepUs,
    steps: ordered ? Math.ceil(endUs / stepUs) + 2 : 0,
    // Arrays of links that nothing was probed on stay empty.
    missed: floorsUs.map(() => new Float64Array(0)),
    hit: floorsUs.map(() => new Float64Array(0)),
    ordered,
    contradicted: floorsUs.map(() => false),
    tooSoon: floorsUs.map(() => false),
  }
}

/**
 * Two kinds of evidence. The *envelope*: smallest and largest lag of the clean probes of the same link and second. And,
 * where the store declares that rows arrive in the order of their acknowledgement, the *order*: a write that was
 * acknowledged before a probed one was sent is visible by that one's hit, and one sent after a probed one was acknowledged
 * is not visible before that one's last miss.
 */
export class VisibilityEvidence {
  /** All that it knows: another thread goes by the same evidence with it. */
  readonly state: EvidenceState

  constructor(state: EvidenceState) {
    this.state = state
  }

  /** Takes in one probe of an acknowledged write. */
  add(link: number, probes: ProbedWrites, i: number): void {
    const state = probes.state[i]
    if (state === PROBE_STATE.dropped) return
    const acked = probes.ackedUs[i]
    const sent = probes.sentUs[i]
    const hit = probes.hitReturnedUs[i]
    const miss = probes.missSentUs[i]
    if (state === PROBE_STATE.hit) {
      if (hit < sent + this.state.floorsUs[link]) this.state.tooSoon[link] = true
      // Without a miss the write was seen on the first read: the link alone says how early it can have been there.
      const unmissed = Number.isNaN(miss)
      const earliest = unmissed ? Math.min(hit, sent + this.state.floorsUs[link]) : Math.max(miss, sent)
      const midSum = (unmissed ? hit : (earliest + hit) / 2) - acked
      const one = { low: earliest - acked, high: hit - acked, midSum, n: 1 }
      const second = Math.floor(acked / 1e6)
      let envelope = this.state.seconds[link].get(second)
      if (envelope === undefined) this.state.seconds[link].set(second, (envelope = emptyEnvelope()))
      widen(envelope, one)
      if (probes.phase[i] === PHASE.measure) widen(this.state.phase[link], one)
    }
    if (!this.state.ordered) return
    if (this.state.missed[link].length === 0) {
      this.state.missed[link] = sharedColumn(this.state.steps).fill(Number.NEGATIVE_INFINITY)
      this.state.hit[link] = sharedColumn(this.state.steps).fill(Number.POSITIVE_INFINITY)
    }
    if (!Number.isNaN(miss)) {
      const step = this.#clamp(Math.ceil(acked / this.state.stepUs))
      if (miss > this.state.missed[link][step]) this.state.missed[link][step] = miss
    }
    if (state === PROBE_STATE.hit) {
      const step = this.#clamp(Math.floor(sent / this.state.stepUs))
      if (hit < this.state.hit[link][step]) this.state.hit[link][step] = hit
    }
  }

  /** Call once, after the last probe. Where the order that a store declares is seen broken, its evidence is dropped. */
  complete(): void {
    for (let link = 0; link < this.state.missed.length; link++) {
      const missed = this.state.missed[link]
      const hit = this.state.hit[link]
      for (let i = 1; i < missed.length; i++) if (missed[i - 1] > missed[i]) missed[i] = missed[i - 1]
      for (let i = hit.length - 2; i >= 0; i--) if (hit[i + 1] < hit[i]) hit[i] = hit[i + 1]
      for (let i = 0; i < missed.length; i++) if (hit[i] < missed[i]) this.state.contradicted[link] = true
    }
  }

  /** Links (as in `linkIndex`) on which a later write was seen while an earlier one was still missing. */
  get contradictedLinks(): number[] {
    return this.state.contradicted.flatMap((broken, link) => (broken ? [link] : []))
  }

  /** Links on which a write was seen sooner than the link, or a way over other DCs, carries anything. */
  get tooSoonLinks(): number[] {
    return this.state.tooSoon.flatMap((broken, link) => (broken ? [link] : []))
  }

  /** The least time from the send of a write to its being visible: proved where probes see writes come, and none came sooner; else 0. */
  floorUs(link: number): number {
    return this.state.phase[link].n === 0 || this.state.tooSoon[link] ? 0 : this.state.floorsUs[link]
  }

  /** Of the seconds × probed links from one time to another but those left out, the share with too few clean probes; null without any. */
  thinShare(startUs: number, endUs: number, leftOut: (fromUs: number, toUs: number) => boolean): number | null {
    let cells = 0
    let thin = 0
    for (const [link, seconds] of this.state.seconds.entries()) {
      if (this.state.phase[link].n === 0) continue
      for (let second = Math.floor(startUs / 1e6); second < Math.floor(endUs / 1e6); second++) {
        if (leftOut(second * 1e6, (second + 1) * 1e6)) continue
        cells++
        if ((seconds.get(second)?.n ?? 0) < CLEAN_PROBES_MIN) thin++
      }
    }
    return cells === 0 ? null : thin / cells
  }

  /** Bounds of an acknowledged write without a clean probe of its own, into `out`. */
  bound(link: number, sentUs: number, ackedUs: number, out: Bounds): void {
    const envelope = this.#envelope(link, ackedUs, out)
    if (envelope.n === 0) {
      // Nothing is known: visible at some time after it was sent, or never.
      out.missUs = sentUs
      out.hitUs = Number.POSITIVE_INFINITY
      out.midUs = Number.NaN
      out.source = 'none'
    } else {
      out.missUs = ackedUs + envelope.low
      out.hitUs = ackedUs + envelope.high
      out.midUs = ackedUs + envelope.midSum / envelope.n
    }
    this.#boundByOrder(link, sentUs, ackedUs, out)
  }

  /**
   * Bounds of an acknowledged write that was read for, but hidden by a newer row, into `out`: only what is proved, be it
   * nothing, with the usual lag as the middle.
   */
  prove(link: number, sentUs: number, ackedUs: number, out: Bounds): void {
    const envelope = this.#envelope(link, ackedUs, out)
    out.missUs = sentUs
    out.hitUs = Number.POSITIVE_INFINITY
    out.midUs = envelope.n === 0 ? Number.NaN : ackedUs + envelope.midSum / envelope.n
    out.source = 'reads'
    this.#boundByOrder(link, sentUs, ackedUs, out)
  }

  /** The lags to go by around an acknowledgement; says in `out` where they are from. */
  #envelope(link: number, ackedUs: number, out: Bounds): Envelope {
    const second = Math.floor(ackedUs / 1e6)
    let envelope = this.state.seconds[link].get(second)
    out.source = 'second'
    if (envelope === undefined || envelope.n < CLEAN_PROBES_MIN) {
      envelope = this.#around(link, second)
      out.source = 'neighbours'
    }
    if (envelope.n < CLEAN_PROBES_MIN) {
      envelope = this.state.phase[link]
      out.source = 'phase'
    }
    return envelope
  }

  /** Replaces the bounds by those that the order proves; the middle stays the usual lag, held within them. */
  #boundByOrder(link: number, sentUs: number, ackedUs: number, out: Bounds): void {
    const missed = this.state.missed[link]
    if (missed.length === 0 || this.state.contradicted[link]) return
    const hit = this.state.hit[link][this.#clamp(Math.ceil(ackedUs / this.state.stepUs))]
    // Nothing was seen that was sent later: towards the end of a run only the envelope is left.
    if (hit === Number.POSITIVE_INFINITY) return
    out.missUs = Math.max(sentUs, missed[this.#clamp(Math.floor(sentUs / this.state.stepUs))])
    out.hitUs = hit
    out.midUs = Number.isNaN(out.midUs) ? (out.missUs + hit) / 2 : Math.min(out.hitUs, Math.max(out.missUs, out.midUs))
    out.source = 'order'
  }

  #around(link: number, second: number): Envelope {
    const joined = emptyEnvelope()
    for (let distance = -NEIGHBOUR_SECONDS; distance <= NEIGHBOUR_SECONDS; distance++) {
      const envelope = this.state.seconds[link].get(second + distance)
      if (envelope !== undefined) widen(joined, envelope)
    }
    return joined
  }

  #clamp(step: number): number {
    return Math.min(this.state.steps - 1, Math.max(0, step))
  }
}
