// The thread behind an Alarm, and the layout of the words that both share. Importing it from the main thread runs nothing.
//
// Who sets a time stores DUE and then reads SLEEPS_UNTIL; the thread stores SLEEPS_UNTIL and then reads DUE again. One of
// the two therefore sees the other, and a wake-up between the thread's look and its sleep changes WAKE, which ends the wait.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { nowUs } from './clock.ts'

/** Three 64-bit words: the wake-up counter (its low half), the due time and the time until which the thread sleeps, in µs. */
export const ALARM_WORDS = 3
/** Index into the words seen as 32-bit integers. */
export const WAKE = 0
/** Indices into the words seen as 64-bit integers. */
export const DUE = 1
export const SLEEPS_UNTIL = 2
export const NOTHING_DUE = 2n ** 62n

/** What the thread posts: that it is time, or that it soon will be. */
export const RING = 0
const ROUSE = 1

/**
 * A processor that slept long wakes late, so a long sleep ends this early, rouses the thread that set the alarm, and is
 * followed by a short one. It halves the usual lateness.
 */
const DROWSY_US = 250
const LONG_SLEEP_US = 1_500

function sleepAndRing(shared: SharedArrayBuffer, post: (message: number) => void): never {
  const words = new BigInt64Array(shared)
  const wake = new Int32Array(shared)
  for (;;) {
    const seen = Atomics.load(wake, WAKE)
    const due = Atomics.load(words, DUE)
    const inUs = Number(due) - nowUs()
    if (inUs <= 0) {
      if (Atomics.compareExchange(words, DUE, due, NOTHING_DUE) === due) post(RING)
      continue
    }
    const isLong = due !== NOTHING_DUE && inUs > LONG_SLEEP_US
    const sleepMs = due === NOTHING_DUE ? Number.POSITIVE_INFINITY : (inUs - (isLong ? DROWSY_US : 0)) / 1000
    Atomics.store(words, SLEEPS_UNTIL, due)
    if (Atomics.load(words, DUE) >= due) {
      const woken = Atomics.wait(wake, WAKE, seen, sleepMs) !== 'timed-out'
      if (isLong && !woken && Atomics.load(words, DUE) === due) post(ROUSE)
    }
    // While it is awake nobody needs to wake it.
    Atomics.store(words, SLEEPS_UNTIL, 0n)
  }
}

if (!isMainThread && workerData instanceof SharedArrayBuffer && workerData.byteLength === ALARM_WORDS * 8) {
  sleepAndRing(workerData, (message) => parentPort?.postMessage(message))
}
