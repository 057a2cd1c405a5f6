// Which key an operation takes: seeded samplers over ranks 0 … n − 1, and a seeded permutation from ranks to keys.
import { hashNumber, type RandomStream } from './random.ts'

/** Draws the next rank; rank 0 is the most frequent one in skewed distributions. */
type RankSampler = () => number

type DistributionName = 'zipfian' | 'uniform' | 'hotspot' | 'latest' | 'sequential'

/** YCSB's defaults for `hotspot` (CoreWorkload: hotspotdatafraction, hotspotopnfraction). */
const HOT_DATA_SHARE = 0.2
const HOT_OPERATION_SHARE = 0.8

/** A sampler of ranks below `n`. `skew` is the zipfian exponent and counts for `zipfian` and `latest` only. */
export function rankSampler(name: DistributionName, n: number, skew: number, random: RandomStream): RankSampler {
  switch (name) {
    case 'uniform':
      return () => Math.floor(random.unit() * n)
    case 'sequential': {
      let next = 0
      return () => next++ % n
    }
    case 'hotspot': {
      const hot = Math.max(1, Math.floor(n * HOT_DATA_SHARE))
      return () =>
        random.unit() < HOT_OPERATION_SHARE || hot === n
          ? Math.floor(random.unit() * hot)
          : hot + Math.floor(random.unit() * (n - hot))
    }
    case 'zipfian':
    case 'latest':
      if (skew === 0) return () => Math.floor(random.unit() * n)
      return skew < 1 ? zipfianYcsb(n, skew, random) : zipfianRejection(n, skew, random)
  }
}

const ZETA_EXACT_TERMS = 100_000

/**
 * The generalised harmonic number H(n, s) = Σ i^−s, summed to 100,000 terms and continued by the Euler–Maclaurin formula
 * to its first correction (relative error below 1e-12 from there).
 */
export function zeta(n: number, s: number): number {
  const exact = Math.min(n, ZETA_EXACT_TERMS)
  let sum = 0
  for (let i = exact; i >= 1; i--) sum += i ** -s
  if (n === exact) return sum
  const integral = s === 1 ? Math.log(n / exact) : (n ** (1 - s) - exact ** (1 - s)) / (1 - s)
  const ends = (n ** -s - exact ** -s) / 2
  const first = (s / 12) * (exact ** (-s - 1) - n ** (-s - 1))
  return sum + integral + ends + first
}

const SLICES = 1 << 14
/** How far, in ranks, a straight line may be from the middle of its slice; elsewhere the power is taken. */
const LINE_ERROR_MAX = 0.1

/** YCSB's ZipfianGenerator: Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994; 0 < skew < 1. */
function zipfianYcsb(n: number, skew: number, random: RandomStream): RankSampler {
  const zetaN = zeta(n, skew)
  const zeta2 = 1 + 0.5 ** skew
  const alpha = 1 / (1 - skew)
  const eta = (1 - (2 / n) ** (1 - skew)) / (1 - zeta2 / zetaN)
  /** The rank before it is rounded down, from rank 2 on. */
  const curve = (u: number): number => n * (eta * u - eta + 1) ** alpha
  // Taking a power costs several times the rest: between the ends of narrow slices the curve is a straight line.
  const ends = Float64Array.from({ length: SLICES + 1 }, (_, slice) => curve(slice / SLICES))
  const lengths = Float64Array.from({ length: SLICES }, (_, slice) => {
    const middle = curve((slice + 0.5) / SLICES)
    const isLine = Math.abs((ends[slice] + ends[slice + 1]) / 2 - middle) <= LINE_ERROR_MAX
    return isLine ? ends[slice + 1] - ends[slice] : Number.NaN
  })
  const [belowOne, belowTwo] = [1 / zetaN, zeta2 / zetaN]
  return () => {
    const u = random.unit()
    if (u < belowTwo || n <= 2) return u < belowOne || n === 1 ? 0 : 1
    const at = u * SLICES
    const slice = Math.floor(at)
    const length = lengths[slice]
    const value = length >= 0 ? ends[slice] + length * (at - slice) : curve(u)
    return value < n ? Math.floor(value) : n - 1
  }
}

/**
 * Rejection-inversion for any positive exponent: Hörmann and Derflinger, "Rejection-inversion to generate variates from
 * monotone discrete distributions", ACM TOMACS 6(3), 1996.
 */
function zipfianRejection(n: number, skew: number, random: RandomStream): RankSampler {
  const h = (x: number) => (skew === 1 ? Math.log(x) : x ** (1 - skew) / (1 - skew))
  const inverse = (y: number) => (skew === 1 ? Math.exp(y) : ((1 - skew) * y) ** (1 / (1 - skew)))
  const first = h(1.5) - 1
  const last = h(n + 0.5)
  const squeeze = 2 - inverse(h(2.5) - 2 ** -skew)
  return () => {
    for (;;) {
      const u = last + random.unit() * (first - last)
      const x = inverse(u)
      const k = Math.min(n, Math.max(1, Math.round(x)))
      if (k - x <= squeeze || u >= h(k + 0.5) - k ** -skew) return k - 1
    }
  }
}

const ROUNDS = 4

/**
 * A seeded bijection of 0 … n − 1, so that frequent ranks are scattered over the table as YCSB's scrambling does, but
 * without its collisions: a Feistel network over the next even number of bits, walked until it lands below n
 * (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
 */
export function permutation(n: number, seed: number): (rank: number) => number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, n)) / 2))
  const span = 2 ** halfBits
  const mask = span - 1
  return (rank) => {
    let value = rank
    do {
      let left = Math.floor(value / span)
      let right = value % span
      for (let round = 0; round < ROUNDS; round++) {
        const mixed = hashNumber(right, seed + round) & mask
        const next = (left ^ mixed) >>> 0
        left = right
        right = next
      }
      value = left * span + right
    } while (value >= n)
    return value
  }
}
