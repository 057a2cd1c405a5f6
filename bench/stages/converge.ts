// After the writers stopped: compares the DCs' digests of what was written until they are equal and stay so.
import type { Admin } from '../contract/driver.ts'
import type { DigestCheck } from '../contract/run-folder.ts'
import { delay, nowUs } from '../lib/clock.ts'
import { differingBuckets, digestsOf } from './digests.ts'
import { Rest } from './rest.ts'

const BUCKETS = 64
const CHECK_GAP_MS = 10
/** Of this many written keys that are this share of the table at least, the whole table is compared: one scan in one snapshot. */
const MANY_KEYS = 500_000
const MUCH_OF_THE_TABLE = 0.25
/** Equality must be seen again after this time to count as lasting. */
const STAYS_EQUAL_MS = 300

export interface Convergence {
  readonly checks: readonly DigestCheck[]
  readonly timedOut: boolean
  /** The DCs differed and had come to rest, in a system that may leave them so. */
  readonly restedApart: boolean
}

interface Waiting {
  readonly epochUs: number
  readonly timeoutMs: number
  /** Rows loaded into the table. */
  readonly loadedRows: number
  /** The system promises no convergence: DCs that differ are not waited for once they have come to rest. */
  readonly mayStayApart: boolean
}

/** Compares until the DCs are equal and stay so, until they rest apart where they may, or until the time is over. Times are µs since the epoch. */
export async function converge(
  admin: Admin,
  dcs: readonly string[],
  keys: Float64Array,
  { epochUs, timeoutMs, loadedRows, mayStayApart }: Waiting,
  signal: AbortSignal,
): Promise<Convergence> {
  const checks: DigestCheck[] = []
  const rest = mayStayApart ? new Rest(admin) : undefined
  const endUs = nowUs() + timeoutMs * 1000
  const isMuch = keys.length >= MANY_KEYS && keys.length >= MUCH_OF_THE_TABLE * (loadedRows + keys.length)
  const selection = isMuch ? { buckets: BUCKETS } : { buckets: BUCKETS, keys }
  let equalSinceUs: number | undefined
  for (;;) {
    signal.throwIfAborted()
    const digests = await digestsOf(admin, dcs, selection)
    const equal = differingBuckets(digests).length === 0
    const check: DigestCheck = {
      dcs: digests.map(({ startedUs, endedUs }, i) => ({
        dc: dcs[i],
        startedUs: startedUs - epochUs,
        endedUs: endedUs - epochUs,
      })),
      equal,
    }
    // Of checks in a row that found the DCs apart the last one counts: a long wait must not fill run.json.
    if (!equal && checks.at(-1)?.equal === false) checks.pop()
    checks.push(check)
    if (!equal) equalSinceUs = undefined
    else equalSinceUs ??= Math.min(...digests.map((digest) => digest.startedUs))
    if (equalSinceUs !== undefined && nowUs() - equalSinceUs >= STAYS_EQUAL_MS * 1000)
      return { checks, timedOut: false, restedApart: false }
    if (!equal && (await rest?.reached(digests)) === true) return { checks, timedOut: false, restedApart: true }
    if (nowUs() > endUs) return { checks, timedOut: true, restedApart: false }
    // Digests are work for stores that may have to catch up: they get at least half of the time for it.
    const tookMs = Math.max(...digests.map((digest) => digest.endedUs - digest.startedUs)) / 1000
    await delay(Math.max(CHECK_GAP_MS, tookMs), signal)
  }
}
