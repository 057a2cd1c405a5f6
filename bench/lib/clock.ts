// One clock for everything that is compared: CLOCK_MONOTONIC in µs, the same in every thread and process of a machine.

/** Reads CLOCK_MONOTONIC through hrtime, which is shared by all processes; exact but slower than `nowUs`. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1000
}

/**
 * `performance.now()` reads the same clock from an origin of its own in each thread: the offset between the two is
 * taken once, as the smallest of several readings, since a reading can only be late.
 */
function originUs(): number {
  let smallest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 50; i++) {
    const before = performance.now()
    const offset = monotonicUs() - before * 1000
    if (offset < smallest) smallest = offset
  }
  return smallest
}

const offsetUs = originUs()

/** Now, in µs of CLOCK_MONOTONIC, with a fraction. Comparable across threads and processes to about 1 µs. */
export function nowUs(): number {
  return performance.now() * 1000 + offsetUs
}

/** Resolves after at least `ms`; rejects with the signal's reason when it is aborted first. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
