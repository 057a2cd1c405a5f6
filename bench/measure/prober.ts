// Reads back, in one DC, the sampled writes of the other DCs, and brackets the moment when each became visible here.
//
// A read that returns the write's dot, or a later dot of the same DC, is a hit; a newer row of another DC closes the probe as
// overshadowed; anything else is a miss. Where rows show their version vectors, a hit is a vector that holds the write, whatever
// the row, and nothing is overshadowed. The bracket runs from the send of the last miss to the return of the hit.
import { nowUs } from '../lib/clock.ts'
import { inTime } from '../lib/in-time.ts'
import { dotDc, dotIncarnation, phaseOf, PHASES } from '../lib/dot.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import type { Session } from '../contract/driver.ts'

/** Reads are this far apart around the expected arrival; late probes are read less often, at 1/20 of their age. */
const READ_GAP_US = 2000
const AGE_SHARE = 0.05
const KEYS_PER_READ_MAX = 500
const WAITING_MAX = 50_000
/** The earliest of this many last hits of a DC tells when to begin to read. */
const RECENT_HITS = 64
/** A fall of the expected arrival below this share of what it was puts forward the probes that wait for their first read. */
const FALL_SHARE = 0.8

interface Probe {
  readonly key: number
  readonly dot: number
  /** As it was sent, or as its own DC's store raised it. */
  version: number
  readonly sentUs: number
  missSentUs: number
  nextReadUs: number
}

/** What a read found of one key; `seen` is the latest dot of the probed DC in the row's vector, where rows have them. */
interface ReadRow {
  readonly dot: number
  readonly version: number
  readonly seen: number | undefined
}

/** What ended: all times in µs of CLOCK_MONOTONIC, NaN for none. */
export interface ClosedProbe {
  readonly key: number
  readonly dot: number
  readonly sentUs: number
  readonly missSentUs: number
  readonly hitReturnedUs: number
  readonly state: number
}

/**
 * Decides when a write of one DC is worth a read: shortly before the earliest arrival seen lately. It is only ever a guess
 * of when to look: the bracket of a probe is what was seen.
 */
class Expectation {
  readonly #recent = new Float64Array(RECENT_HITS).fill(Number.POSITIVE_INFINITY)
  #next = 0
  #earliestUs = 0

  /**
   * Takes in a hit; true when writes arrive much earlier than was expected. A hit on the first read says that the read came
   * too late, not when the write arrived: half its time counts, so that a lag that became short is found within a few hits.
   */
  hit(afterSendUs: number, wasMissedBefore: boolean): boolean {
    const before = this.#earliestUs
    this.#recent[this.#next++ % RECENT_HITS] = wasMissedBefore ? afterSendUs : afterSendUs / 2
    let least = Number.POSITIVE_INFINITY
    for (const value of this.#recent) if (value < least) least = value
    this.#earliestUs = least
    return least < before * FALL_SHARE
  }

  firstReadUs(sentUs: number): number {
    return sentUs + Math.max(0, this.#earliestUs * 0.95 - READ_GAP_US)
  }
}

export class Prober {
  readonly #session: Session
  readonly #readLimitMs: number
  readonly #expectations = new Map<number, Expectation>()
  readonly #closed: (probe: ClosedProbe) => void
  /** By dot. */
  readonly #waiting = new Map<number, Probe>()
  #timer: NodeJS.Timeout | undefined
  #reading = false
  #ended = false
  asked = 0
  dropped = 0
  reads = 0
  readErrors = 0

  /** @param session opened in this DC for probing. @param readLimitMs when a read counts as failed. @param closed gets every probe that ends. */
  constructor(session: Session, readLimitMs: number, closed: (probe: ClosedProbe) => void) {
    this.#session = session
    this.#readLimitMs = readLimitMs
    this.#closed = closed
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Takes over writes of another DC, sent at `sentUs` (µs of CLOCK_MONOTONIC). */
  watch(sentUs: number, keys: Float64Array, dots: Float64Array, versions: Float64Array): void {
    for (let i = 0; i < keys.length; i++) {
      const probe: Probe = {
        key: keys[i],
        dot: dots[i],
        version: versions[i],
        sentUs,
        missSentUs: Number.NaN,
        nextReadUs: this.#expect(dots[i]).firstReadUs(sentUs),
      }
      this.asked++
      if (this.#ended || this.#waiting.size >= WAITING_MAX) {
        this.dropped++
        this.#close(probe, Number.NaN, PROBE_STATE.dropped)
      } else {
        this.#waiting.set(probe.dot, probe)
      }
    }
    this.#wake()
  }

  /** Writes that are watched were stored with higher versions than they were sent with: they beat more rows. */
  raise(dots: Float64Array, versions: Float64Array): void {
    for (let i = 0; i < dots.length; i++) {
      const probe = this.#waiting.get(dots[i])
      if (probe !== undefined) probe.version = versions[i]
    }
  }

  /** Closes what is still waiting as never seen, and reads no more. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    for (const probe of this.#waiting.values()) this.#close(probe, Number.NaN, PROBE_STATE.open)
    this.#waiting.clear()
  }

  /** By DC and phase: what a closed loop taught says nothing about the load after it. */
  #expect(dot: number): Expectation {
    const source = dotDc(dot) * PHASES + phaseOf(dotIncarnation(dot))
    let expectation = this.#expectations.get(source)
    if (expectation === undefined) this.#expectations.set(source, (expectation = new Expectation()))
    return expectation
  }

  #close(probe: Probe, hitReturnedUs: number, state: number): void {
    const { key, dot, sentUs, missSentUs } = probe
    this.#closed({ key, dot, sentUs, missSentUs, hitReturnedUs, state })
  }

  /** Reads what is due, or sets the timer for what is due next. */
  #wake(): void {
    if (this.#reading || this.#ended || this.#waiting.size === 0) return
    clearTimeout(this.#timer)
    const now = nowUs()
    const due: Probe[] = []
    let nextUs = Number.POSITIVE_INFINITY
    for (const probe of this.#waiting.values()) {
      if (probe.nextReadUs <= now && due.length < KEYS_PER_READ_MAX) due.push(probe)
      else if (probe.nextReadUs < nextUs) nextUs = probe.nextReadUs
    }
    if (due.length > 0) void this.#read(due)
    else this.#timer = setTimeout(() => this.#wake(), Math.max(1, (nextUs - now) / 1000))
  }

  async #read(due: readonly Probe[]): Promise<void> {
    this.#reading = true
    const sentUs = nowUs()
    try {
      this.reads++
      const reading = this.#session.read(Float64Array.from(due, (probe) => probe.key))
      const found = await inTime(reading, this.#readLimitMs, () => new Error('no answer in time'))
      const returnedUs = nowUs()
      if (!this.#ended) {
        const dcs = (found.seen?.length ?? 0) / due.length
        due.forEach((probe, i) => {
          const seen = found.seen?.[i * dcs + dotDc(probe.dot)]
          this.#judge(probe, { dot: found.dots[i], version: found.versions[i], seen }, sentUs, returnedUs)
        })
      }
    } catch {
      // A read that failed shows nothing: the probe is read again, later.
      this.readErrors++
      for (const probe of due) probe.nextReadUs = nowUs() + 50_000
    }
    this.#reading = false
    this.#wake()
  }

  /** What was not to be read for long, since writes of its DC used to arrive late, is read as they arrive now. */
  #putForward(dc: number): void {
    for (const probe of this.#waiting.values()) {
      if (dotDc(probe.dot) !== dc || !Number.isNaN(probe.missSentUs)) continue
      probe.nextReadUs = Math.min(probe.nextReadUs, this.#expect(probe.dot).firstReadUs(probe.sentUs))
    }
  }

  #judge(probe: Probe, row: ReadRow, sentUs: number, returnedUs: number): void {
    const sameDc = row.dot !== 0 && dotDc(row.dot) === dotDc(probe.dot)
    if (row.seen === undefined ? sameDc && row.dot >= probe.dot : row.seen >= probe.dot) {
      this.#waiting.delete(probe.dot)
      this.#close(probe, returnedUs, PROBE_STATE.hit)
      const wasMissed = !Number.isNaN(probe.missSentUs)
      if (this.#expect(probe.dot).hit(returnedUs - probe.sentUs, wasMissed)) this.#putForward(dotDc(probe.dot))
    } else if (row.seen === undefined && !sameDc && row.dot !== 0 && row.version > probe.version) {
      this.#waiting.delete(probe.dot)
      this.#close(probe, returnedUs, PROBE_STATE.overshadowed)
    } else {
      probe.missSentUs = sentUs
      probe.nextReadUs = returnedUs + Math.max(READ_GAP_US, (returnedUs - probe.sentUs) * AGE_SHARE - READ_GAP_US)
    }
  }
}
