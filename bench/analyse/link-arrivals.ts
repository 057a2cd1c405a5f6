// Clean probes of one link in columns that grow, and a sample of them where there are too many: which ones are in it does not
// depend on the order in which they come, nor on who gathers them.
import { hashNumber } from '../lib/random.ts'

const SALT = 0x6a09e667
const ROOM_AT_FIRST = 1024
const ALL = 2 ** 32

/** Times are µs since the epoch; only the first `count` entries count. */
export interface Arrivals {
  count: number
  sentUs: Float64Array
  ackedUs: Float64Array
  missUs: Float64Array
  hitUs: Float64Array
  /** 1 where the read can have shown no later write of that DC: one that was lost and written over is late, not out of order. */
  own: Uint8Array
  /** A hash of the dot: those below `sampledBelow` are kept. */
  sample: Uint32Array
  sampledBelow: number
}

const COLUMNS = ['sentUs', 'ackedUs', 'missUs', 'hitUs', 'own', 'sample'] as const

export function newArrivals(): Arrivals {
  const f64 = () => new Float64Array(ROOM_AT_FIRST)
  return {
    count: 0,
    sentUs: f64(),
    ackedUs: f64(),
    missUs: f64(),
    hitUs: f64(),
    own: new Uint8Array(ROOM_AT_FIRST),
    sample: new Uint32Array(ROOM_AT_FIRST),
    sampledBelow: ALL,
  }
}

/** The place for one more probe of this dot, to be filled; −1 where it is not in the sample of at most `most`. */
export function placeFor(arrivals: Arrivals, dot: number, most: number): number {
  return place(arrivals, hashNumber(dot, SALT), most)
}

function place(arrivals: Arrivals, sample: number, most: number): number {
  if (sample >= arrivals.sampledBelow) return -1
  while (arrivals.count >= most) {
    keepBelow(arrivals, arrivals.sampledBelow / 2)
    if (sample >= arrivals.sampledBelow) return -1
  }
  if (arrivals.count === arrivals.sample.length) grow(arrivals)
  const at = arrivals.count++
  arrivals.sample[at] = sample
  return at
}

function keepBelow(arrivals: Arrivals, limit: number): void {
  let kept = 0
  for (let i = 0; i < arrivals.count; i++) {
    if (arrivals.sample[i] >= limit) continue
    for (const column of COLUMNS) arrivals[column][kept] = arrivals[column][i]
    kept++
  }
  arrivals.count = kept
  arrivals.sampledBelow = limit
}

function grow(arrivals: Arrivals): void {
  const larger = <A extends Float64Array | Uint32Array | Uint8Array>(column: A): A => {
    const grown = new (column.constructor as new (length: number) => A)(column.length * 2)
    grown.set(column)
    return grown
  }
  arrivals.sentUs = larger(arrivals.sentUs)
  arrivals.ackedUs = larger(arrivals.ackedUs)
  arrivals.missUs = larger(arrivals.missUs)
  arrivals.hitUs = larger(arrivals.hitUs)
  arrivals.own = larger(arrivals.own)
  arrivals.sample = larger(arrivals.sample)
}

/** Takes in what another thread gathered. */
export function addArrivals(to: Arrivals, from: Arrivals, most: number): void {
  if (from.sampledBelow < to.sampledBelow) keepBelow(to, from.sampledBelow)
  for (let i = 0; i < from.count; i++) {
    const at = place(to, from.sample[i], most)
    if (at < 0) continue
    to.sentUs[at] = from.sentUs[i]
    to.ackedUs[at] = from.ackedUs[i]
    to.missUs[at] = from.missUs[i]
    to.hitUs[at] = from.hitUs[i]
    to.own[at] = from.own[i]
  }
}
