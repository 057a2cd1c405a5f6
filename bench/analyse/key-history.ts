// The writes of one key, DC by DC in the order in which they were made, with bounds for when each became visible where.
import { OUTCOME } from '../contract/outcome.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import type { Causes } from './causes.ts'
import { linkIndex } from './link-index.ts'
import type { Partition } from './partition.ts'
import { relayKnowledge } from './relayed.ts'
import { roomFor } from './room.ts'
import type { Bounds, VisibilityEvidence } from './visibility.ts'

/** Rows by where their visibility bounds are from; a clean probe of the write itself needs none of these. */
export type SourceCounts = Record<Bounds['source'], number>

/**
 * One key's writes. Position p counts from the group's start; DC d's writes are positions from[d] … from[d + 1] − 1.
 * Per key and DC the order of dots is the order of writes, so that every column is made to rise along a DC's writes.
 */
export class KeyHistory {
  #partition!: Partition
  readonly #evidence: VisibilityEvidence
  readonly #dcCount: number
  /** Every write was to be probed: bounds are to contain the truth, not to come close to it. */
  readonly #allProbed: boolean
  readonly #bounds: Bounds = { missUs: 0, hitUs: 0, midUs: 0, source: 'none' }
  #room = 0
  #start = 0
  count = 0
  readonly from: Uint32Array
  /** Bounds of the commit; both rise along a DC's writes. */
  sentUs = new Float64Array(0)
  ackedUs = new Float64Array(0)
  /** By the DC that looked: not visible there at `missUs`, visible at `hitUs`, about at `midUs`. */
  readonly missUs: Float64Array[]
  readonly hitUs: Float64Array[]
  readonly midUs: Float64Array[]
  #exact = new Uint8Array(0)
  readonly #lastKnownCommitUs: Float64Array
  /** Where causality is exact: the dot, and by DC the latest dot of it in the write's causal past, which only rises along a DC's writes. */
  dots = new Float64Array(0)
  readonly pastDots: Float64Array[]
  /** Acknowledged writes of the keys loaded that did not say what they found, and those that found less than one before them. */
  uncaused = 0
  forgetful = 0
  readonly sources: SourceCounts = { reads: 0, order: 0, second: 0, neighbours: 0, phase: 0, none: 0 }

  constructor(evidence: VisibilityEvidence, dcCount: number, allProbed: boolean) {
    this.#allProbed = allProbed
    this.#evidence = evidence
    this.#dcCount = dcCount
    this.from = new Uint32Array(dcCount + 1)
    this.#lastKnownCommitUs = new Float64Array(dcCount)
    const arrays = () => Array.from({ length: dcCount }, () => new Float64Array(0))
    this.missUs = arrays()
    this.hitUs = arrays()
    this.midUs = arrays()
    this.pastDots = arrays()
  }

  /** Goes over to the keys of another partition. */
  begin(partition: Partition): void {
    this.#partition = partition
  }

  /** The partition's row at position `p`. */
  row(p: number): number {
    return this.#start + p
  }

  /** Loads a group's rows; false when fewer than two DCs wrote the key, and then nothing more is worked out. */
  load(group: number): boolean {
    const { starts, dc } = this.#partition
    this.#start = starts[group]
    this.count = starts[group + 1] - starts[group]
    let p = 0
    let writers = 0
    for (let d = 0; d < this.#dcCount; d++) {
      this.from[d] = p
      while (p < this.count && dc[this.row(p)] === d) p++
      if (p > this.from[d]) writers++
    }
    this.from[this.#dcCount] = p
    if (writers < 2) return false
    this.#grow()
    if (this.#partition.causes !== null) this.#loadPast(this.#partition.causes)
    for (let d = 0; d < this.#dcCount; d++) {
      this.#boundCommits(d)
      for (let peer = 0; peer < this.#dcCount; peer++) {
        if (peer !== d) this.#boundVisibility(linkIndex(this.#dcCount, d, peer), this.from[d], this.from[d + 1], peer)
      }
    }
    if (writers > 2) this.#relay()
    return true
  }

  #relay(): void {
    relayKnowledge(this, this.#partition, this.#dcCount)
    for (let d = 0; d < this.#dcCount; d++) {
      for (let peer = 0; peer < this.#dcCount; peer++) {
        if (peer === d) continue
        const floorUs = this.#evidence.floorUs(linkIndex(this.#dcCount, d, peer))
        this.#keepFloor(floorUs, this.from[d], this.from[d + 1], peer)
      }
    }
  }

  #grow(): void {
    if (this.count <= this.#room) return
    this.#room = roomFor(this.count)
    const array = () => new Float64Array(this.#room)
    this.sentUs = array()
    this.ackedUs = array()
    this.#exact = new Uint8Array(this.#room)
    if (this.#partition.causes !== null) {
      this.dots = array()
      for (let peer = 0; peer < this.#dcCount; peer++) this.pastDots[peer] = array()
    }
    for (let peer = 0; peer < this.#dcCount; peer++) {
      // Of two DCs each looks at the other's writes only: both fit into one array, and a hot key into half the memory.
      const shared = peer === 1 && this.#dcCount === 2
      this.missUs[peer] = shared ? this.missUs[0] : array()
      this.hitUs[peer] = shared ? this.hitUs[0] : array()
      this.midUs[peer] = shared ? this.midUs[0] : array()
    }
  }

  /**
   * What a DC's earlier writes had in their past, its later ones have too. A vector that says less is of a store that forgot
   * what it had taken in: it is counted, and the past taken as that of the earlier write.
   */
  #loadPast({ known, seen }: Causes): void {
    const { dot, outcome } = this.#partition
    for (let p = 0; p < this.count; p++) this.dots[p] = dot[this.row(p)]
    for (let d = 0; d < this.#dcCount; d++) {
      for (let p = this.from[d]; p < this.from[d + 1]; p++) {
        const row = this.row(p)
        let forgot = false
        for (let peer = 0; peer < this.#dcCount; peer++) {
          const before = p === this.from[d] ? 0 : this.pastDots[peer][p - 1]
          const found = known[row] === 1 && peer !== d ? seen[peer][row] : 0
          this.pastDots[peer][p] = Math.max(before, found)
          if (found < before && known[row] === 1) forgot = true
        }
        if (forgot) this.forgetful++
        if (known[row] === 0 && outcome[row] === OUTCOME.ok) this.uncaused++
      }
    }
  }

  /** A commit is after those before it were sent, and before those after it were acknowledged. */
  #boundCommits(d: number): void {
    const [from, to] = [this.from[d], this.from[d + 1]]
    const { sentUs, ackedUs } = this.#partition
    let latest = Number.NEGATIVE_INFINITY
    for (let p = from; p < to; p++) this.sentUs[p] = latest = Math.max(latest, sentUs[this.row(p)])
    let earliest = Number.POSITIVE_INFINITY
    for (let p = to - 1; p >= from; p--) {
      this.ackedUs[p] = earliest = Math.min(earliest, ackedUs[this.row(p)])
    }
    // An acknowledgement that never came is earlier than none after it: only a DC's last writes can be without.
    let last = to - 1
    while (last >= from && this.ackedUs[last] === Number.POSITIVE_INFINITY) last--
    this.#lastKnownCommitUs[d] = last < from ? Number.NEGATIVE_INFINITY : (this.sentUs[last] + this.ackedUs[last]) / 2
  }

  /** About when the write at `p`, of DC `d`, was committed: the middle of its bounds, which rises along a DC's writes. */
  commitUs(p: number, d: number): number {
    if (this.ackedUs[p] !== Number.POSITIVE_INFINITY) return (this.sentUs[p] + this.ackedUs[p]) / 2
    return Math.max(this.#lastKnownCommitUs[d], this.sentUs[p])
  }

  #boundVisibility(link: number, from: number, to: number, peer: number): void {
    const miss = this.missUs[peer]
    const hit = this.hitUs[peer]
    const mid = this.midUs[peer]
    for (let p = from; p < to; p++) this.#boundOne(link, p, peer)
    // What was missing then, its successors were too; what is seen now, its predecessors are known by.
    const { probeOf, seen } = this.#partition
    let missed = Number.NEGATIVE_INFINITY
    for (let p = from; p < to; p++) {
      if ((this.#exact[p] & EXACT_MISS) !== 0) missed = Math.max(missed, seen[peer].missSentUs[probeOf[this.row(p)]])
      miss[p] = Math.max(miss[p], missed, this.sentUs[p])
    }
    let earliest = Number.POSITIVE_INFINITY
    for (let p = to - 1; p >= from; p--) {
      if ((this.#exact[p] & EXACT_HIT) !== 0) earliest = Math.min(earliest, hit[p])
      hit[p] = Math.min(hit[p], earliest)
    }
    // Estimates alone may still cross: they are widened until both columns rise.
    for (let p = to - 2; p >= from; p--) miss[p] = Math.min(miss[p], miss[p + 1])
    let latest = Number.NEGATIVE_INFINITY
    for (let p = from; p < to; p++) {
      // A write without an outcome bounds nothing for those after it.
      if (hit[p] === Number.POSITIVE_INFINITY && this.#partition.outcome[this.row(p)] !== OUTCOME.ok) continue
      hit[p] = latest = Math.max(hit[p], latest)
    }
    for (let p = to - 2; p >= from; p--) hit[p] = Math.min(hit[p], hit[p + 1])
    // Where an estimate contradicts what a probe saw of a later write, the probe is right.
    for (let p = from; p < to; p++) miss[p] = Math.min(miss[p], hit[p])
    let middle = Number.NEGATIVE_INFINITY
    for (let p = from; p < to; p++) {
      const own = Number.isNaN(mid[p]) ? (miss[p] + hit[p]) / 2 : mid[p]
      middle = Math.max(middle, own)
      mid[p] = middle = Math.min(hit[p], Math.max(miss[p], middle))
    }
    this.#keepFloor(this.#evidence.floorUs(link), from, to, peer)
  }

  /** No write is anywhere else sooner after its send than the links allow, whatever was read. */
  #keepFloor(floorUs: number, from: number, to: number, peer: number): void {
    if (floorUs === 0) return
    const miss = this.missUs[peer]
    const hit = this.hitUs[peer]
    const mid = this.midUs[peer]
    for (let p = from; p < to; p++) {
      miss[p] = Math.min(hit[p], Math.max(miss[p], this.sentUs[p] + floorUs))
      mid[p] = Math.max(mid[p], miss[p])
    }
  }

  /** Bounds of one write by its own probe where that says all, else by what is known of the link. */
  #boundOne(link: number, p: number, peer: number): void {
    const row = this.row(p)
    const { probeOf, seen, sentUs, ackedUs, outcome } = this.#partition
    const probe = probeOf[row]
    const state = probe < 0 ? 0 : seen[peer].state[probe]
    const missed = probe < 0 ? Number.NaN : seen[peer].missSentUs[probe]
    this.#exact[p] =
      (state !== 0 && !Number.isNaN(missed) ? EXACT_MISS : 0) | (state === PROBE_STATE.hit ? EXACT_HIT : 0)
    if (state === PROBE_STATE.hit || state === PROBE_STATE.open || outcome[row] !== OUTCOME.ok) {
      const miss = Number.isNaN(missed) ? sentUs[row] : Math.max(missed, sentUs[row])
      const hit = state === PROBE_STATE.hit ? seen[peer].hitReturnedUs[probe] : Number.POSITIVE_INFINITY
      this.missUs[peer][p] = miss
      this.hitUs[peer][p] = Math.max(miss, hit)
      // Seen on its first read, it is close to the end of its bracket: reads begin when a write is expected.
      this.midUs[peer][p] = state === PROBE_STATE.hit && Number.isNaN(missed) ? hit : Number.NaN
      return
    }
    const bounds = this.#bounds
    if (this.#allProbed && state === PROBE_STATE.overshadowed) {
      this.#evidence.prove(link, sentUs[row], ackedUs[row], bounds)
    } else this.#evidence.bound(link, sentUs[row], ackedUs[row], bounds)
    this.sources[bounds.source]++
    this.missUs[peer][p] = bounds.missUs
    this.hitUs[peer][p] = bounds.hitUs
    this.midUs[peer][p] = bounds.midUs
  }
}

const EXACT_MISS = 1
const EXACT_HIT = 2
