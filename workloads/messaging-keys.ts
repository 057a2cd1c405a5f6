// Where a message stands in the table: key layout, conversations, and their members, as pure functions.
//
//   key = loaded rows + ((timeline × 4 + phase) × sends + send) × DCs + DC
//
// Rows of a timeline lie together in the order in which they were sent, as in a table whose primary key is (timeline, time):
// a B-tree takes the rows of one send at as many places as the conversation has members, each at the end of a timeline.
// The DC and the phase are part of the key, so that no two DCs and no two phases ever make the same one.
import { BenchError } from '../bench/contract/errors.ts'
import { hashNumber } from '../bench/lib/random.ts'

export const MEMBERS_MIN = 2
export const MEMBERS_MAX = 50
/** Loaded rows for each timeline, and for each conversation. */
const ROWS_PER_TIMELINE = 20
const TIMELINES_MIN = 64
/** More timelines would leave too few numbers for the sends of a long run in a safe integer. */
const TIMELINES_MAX = 2 ** 22
const PHASES = 4
const SIZE_SALT = 0x4d454d42
const START_SALT = 0x53544152
const STEP_SALT = 0x53544550
const TWO_32 = 4294967296

/** How many timelines, and how many conversations, go with a table of `rows` loaded rows. */
export function timelineCount(rows: number): number {
  return Math.min(TIMELINES_MAX, Math.max(TIMELINES_MIN, Math.floor(rows / ROWS_PER_TIMELINE)))
}

/** Members of a conversation by a uniform 32-bit number: P(n) ∝ n⁻² for 2 ≤ n ≤ 50, so that most are of two, on average 5.6. */
const CUMULATIVE: readonly number[] = (() => {
  const weights = Array.from({ length: MEMBERS_MAX - MEMBERS_MIN + 1 }, (_, i) => (i + MEMBERS_MIN) ** -2)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  return weights.map((weight) => (sum += (weight / total) * TWO_32))
})()

/** How many members a conversation has. */
export function memberCount(conversation: number, seed: number): number {
  const drawn = hashNumber(conversation, seed ^ SIZE_SALT)
  const place = CUMULATIVE.findIndex((bound) => drawn < bound)
  return place < 0 ? MEMBERS_MAX : MEMBERS_MIN + place
}

/** A conversation's members are the timelines first, first + step, …, around the end: all different, since 50 steps are no full round. */
export function memberTimelines(
  conversation: number,
  timelines: number,
  seed: number,
): { readonly first: number; readonly step: number } {
  return {
    first: hashNumber(conversation, seed ^ START_SALT) % timelines,
    step: 1 + (hashNumber(conversation, seed ^ STEP_SALT) % Math.floor((timelines - 1) / MEMBERS_MAX)),
  }
}

/** The key of one message in one timeline. */
type MessageKey = (timeline: number, send: number) => number

/** Keys of one DC in one phase. Throws SCENARIO when the sends of a phase no longer fit. */
export function messageKeys(rows: number, dcIndex: number, dcCount: number, phase: number): MessageKey {
  const timelines = timelineCount(rows)
  const sends = Math.floor((Number.MAX_SAFE_INTEGER - rows) / (timelines * PHASES * dcCount))
  return (timeline, send) => {
    if (send >= sends) {
      throw new BenchError(
        'SCENARIO',
        `The workload messaging has no keys left after ${sends} sends of one DC: run shorter, or with fewer --rows or DCs.`,
      )
    }
    return rows + ((timeline * PHASES + phase) * sends + send) * dcCount + dcIndex
  }
}
