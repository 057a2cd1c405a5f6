// Which DC may write which key: every key has a home DC, and a share of the keys (`overlap`) is written by all DCs.
import type { StreamPlan } from '../bench/contract/workload.ts'
import { permutation, rankSampler } from '../bench/lib/distributions.ts'
import { hashNumber, randomStream } from '../bench/lib/random.ts'

const HOME_SALT = 0x484f4d45
const TRAVEL_SALT = 0x54524156
const PERMUTE_SALT = 0x5045524d
const TWO_32 = 4294967296

/** The DC to which a key belongs. */
function homeOf(key: number, seed: number, dcCount: number): number {
  return hashNumber(key, seed ^ HOME_SALT) % dcCount
}

/** Whether every DC writes this key. */
function isShared(key: number, seed: number, overlap: number): boolean {
  return hashNumber(key, seed ^ TRAVEL_SALT) < overlap * TWO_32
}

/** Ranks whose key is remembered, so that it is scattered and asked for its home once: 16 MiB a stream. */
const REMEMBERED_RANKS = 1 << 22
const REFUSED = -1
const KEY_REMEMBERED_MAX = 2 ** 31 - 1
const REFUSALS_MAX = 10_000
const BLOCK_DRAWS = 512

/**
 * Draws keys that one DC writes: ranks from the plan's distribution, scattered over the table, and drawn again when the key
 * is at home in another DC and not shared. All DCs see the same hot keys; p(key) within a DC is proportional to the law
 * of its rank. `latest` and `sequential` keep their order in the table instead of being scattered.
 */
export function homeKeys(plan: StreamPlan): () => number {
  const { options, seed, dcIndex, dcCount, phase } = plan
  const random = randomStream(seed, dcIndex, phase)
  const rank = rankSampler(options.distribution, options.rows, options.skew, random)
  const scatter = permutation(options.rows, seed ^ PERMUTE_SALT)
  const place =
    options.distribution === 'latest'
      ? (r: number) => options.rows - 1 - r
      : options.distribution === 'sequential'
        ? (r: number) => r
        : scatter
  const isWritten = (key: number) => homeOf(key, seed, dcCount) === dcIndex || isShared(key, seed, options.overlap)
  /** By rank: 0 not known yet, REFUSED, or the key and 1. */
  const known = new Int32Array(Math.min(options.rows, REMEMBERED_RANKS))
  const keyOf = (r: number): number => {
    const key = place(r)
    const answer = isWritten(key) ? key : REFUSED
    if (r < known.length && key < KEY_REMEMBERED_MAX) known[r] = answer === REFUSED ? REFUSED : key + 1
    return answer
  }
  const ranks = new Float64Array(BLOCK_DRAWS)
  const drawn = new Float64Array(BLOCK_DRAWS)
  let count = 0
  let next = 0
  let refusals = 0
  /** Draws all ranks before it looks the first one up, so that the look-ups wait for the memory together. */
  const draw = (): void => {
    for (let i = 0; i < BLOCK_DRAWS; i++) ranks[i] = rank()
    // A table so small that a DC has no key of its own would never end: after many refusals keys are taken as they are.
    const takesAll = refusals >= REFUSALS_MAX
    count = 0
    next = 0
    for (let i = 0; i < BLOCK_DRAWS; i++) {
      const r = ranks[i]
      const found = r < known.length ? known[r] : 0
      // Without a branch, which processors would guess wrong half of the time: a refused key is overwritten by the next.
      drawn[count] = found - 1
      count += found > 0 ? 1 : 0
      if (found === 0) {
        drawn[count] = keyOf(r)
        count += drawn[count] === REFUSED ? 0 : 1
      }
    }
    if (takesAll && count === 0) for (; count < BLOCK_DRAWS; count++) drawn[count] = place(ranks[count])
    refusals = count === 0 ? refusals + BLOCK_DRAWS : 0
  }
  return () => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- changed by what is called meanwhile
    while (next === count) draw()
    return drawn[next++]
  }
}
