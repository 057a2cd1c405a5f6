// Calls into code that may keep the main thread's event loop from turning, for which no timer would ever ring: a thread watches it.
import { Worker } from 'node:worker_threads'
import { LIMIT, TURNS, WATCH_WORDS } from './loop-watch-thread.ts'
import { tooLate, type Whose } from './whose.ts'

const TURN_EVERY_MS = 100
const LONGEST_MS = 2 ** 31 - 1

interface Watched {
  readonly whose: Whose
  /** As of a bound. */
  readonly what: string
  readonly limitMs: number
}

const underWay = new Set<Watched>()
let watching: { readonly words: Int32Array; readonly thread: Worker } | undefined
let turning: NodeJS.Timeout | undefined

function start(): { readonly words: Int32Array; readonly thread: Worker } {
  const shared = new SharedArrayBuffer(WATCH_WORDS * 4)
  const thread = new Worker(new URL('./loop-watch-thread.ts', import.meta.url), { workerData: shared, stdin: false })
  thread.unref()
  return { words: new Int32Array(shared), thread }
}

/** The longest of the limits counts: a call that may take long is not ended for the sake of a shorter one. */
function agree(): void {
  watching ??= start()
  const { words, thread } = watching
  const limitMs = Math.max(0, ...[...underWay].map((one) => one.limitMs))
  const [first] = underWay
  if (first !== undefined) {
    const whats = [...new Set([...underWay].map(({ what }) => what))]
    thread.postMessage(tooLate(first.whose, whats.join(' or '), limitMs).message)
    turning ??= setInterval(() => Atomics.add(words, TURNS, 1), TURN_EVERY_MS).unref()
  } else {
    clearInterval(turning)
    turning = undefined
  }
  Atomics.add(words, TURNS, 1)
  const agreedMs = Math.min(LONGEST_MS, Math.ceil(limitMs))
  if (Atomics.exchange(words, LIMIT, agreedMs) !== agreedMs) Atomics.notify(words, LIMIT)
}

/**
 * The answer of `call`. Should the event loop not turn for somewhat longer than `limitMs` meanwhile, the process ends with a sentence
 * on standard error, as after a STORE.
 */
export async function whileWatched<T>(watched: Watched, call: () => Promise<T>): Promise<T> {
  underWay.add(watched)
  agree()
  try {
    return await call()
  } finally {
    underWay.delete(watched)
    agree()
  }
}
