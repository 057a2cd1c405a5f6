// A precise one-shot timer. setTimeout is late by up to a millisecond and spinning costs a core, so a small thread sleeps
// in Atomics.wait until the due time and then posts a message. It sleeps for ever while nothing is due.
import { Worker } from 'node:worker_threads'
import { nowUs } from './clock.ts'
import { ALARM_WORDS, DUE, NOTHING_DUE, RING, SLEEPS_UNTIL, WAKE } from './alarm-thread.ts'

/** Nearer than this a turn of the event loop is quicker than the thread. */
const AT_ONCE_US = 20
/** The thread is woken so much early: the kernel's timer slack and the message to this thread take that long. */
const LEAD_US = 40

/**
 * Rings once at the time last set. The thread needs some 50 ms to start: a time before that rings late.
 * It never keeps the process alive.
 */
export class Alarm implements Disposable {
  /** Resolves when the thread runs and rings are punctual. */
  readonly started: Promise<void>
  readonly #onRing: () => void
  readonly #words: BigInt64Array
  readonly #wake: Int32Array
  readonly #thread: Worker
  #dueUs = Number.POSITIVE_INFINITY
  #immediate: NodeJS.Immediate | undefined

  constructor(onRing: () => void) {
    this.#onRing = onRing
    const shared = new SharedArrayBuffer(ALARM_WORDS * 8)
    this.#words = new BigInt64Array(shared)
    this.#wake = new Int32Array(shared)
    Atomics.store(this.#words, DUE, NOTHING_DUE)
    this.#thread = new Worker(new URL('./alarm-thread.ts', import.meta.url), { workerData: shared })
    this.#thread.on('message', (message) => message === RING && this.#ring())
    this.started = new Promise((resolve) => this.#thread.once('online', resolve))
    this.#thread.unref()
  }

  /** Rings at `atUs` (µs of `nowUs`) instead of at whatever was set before; as soon as possible when that is past. */
  set(atUs: number): void {
    if (atUs === this.#dueUs) return
    this.#dueUs = atUs
    if (atUs <= nowUs() + AT_ONCE_US) {
      this.#immediate ??= setImmediate(() => {
        this.#immediate = undefined
        this.#ring()
      })
      return
    }
    this.#arm()
  }

  /** Forgets what was set. */
  clear(): void {
    this.#dueUs = Number.POSITIVE_INFINITY
    Atomics.store(this.#words, DUE, NOTHING_DUE)
  }

  [Symbol.dispose](): void {
    this.clear()
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    void this.#thread.terminate()
  }

  /** Tells the thread. */
  #arm(): void {
    const due = BigInt(Math.ceil(this.#dueUs - LEAD_US))
    Atomics.store(this.#words, DUE, due)
    // A thread that wakes earlier than this looks at the new time by itself: no need to disturb it.
    if (due < Atomics.load(this.#words, SLEEPS_UNTIL)) {
      Atomics.add(this.#wake, WAKE, 1)
      Atomics.notify(this.#wake, WAKE)
    }
  }

  #ring(): void {
    if (nowUs() + AT_ONCE_US < this.#dueUs) {
      // The time was moved or cleared while the message was under way, or the message was quicker than usual.
      if (this.#dueUs !== Number.POSITIVE_INFINITY) this.#arm()
      return
    }
    this.#dueUs = Number.POSITIVE_INFINITY
    this.#onRing()
  }
}
