// Waiting for an answer, but no longer than a bound: what it does afterwards is nobody's concern any more.

/** The longest that a timer can be set to. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Settles as `answer` does, or rejects with `late()` when nothing was heard for `limitMs`. `heardMs` says when something last was
 * (ms of `performance.now()`); absent: never, so that the bound is one on the whole wait.
 */
export async function inTime<T>(
  answer: Promise<T>,
  limitMs: number,
  late: () => Error,
  heardMs?: () => number,
): Promise<T> {
  const startedMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const look = () => {
      const leftMs = (heardMs?.() ?? startedMs) + limitMs - performance.now()
      if (leftMs <= 0) reject(late())
      else timer = setTimeout(look, Math.min(LONGEST_MS, Math.ceil(leftMs)))
    }
    look()
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
