// The thread behind whileWatched: ends the process when the main thread's event loop has not turned for the time that both agreed on.
//
// Nothing in the main thread can do so then. What runs there cannot be unwound either without breaking Node's own bookkeeping of
// callbacks, so that the process is left at once, through the inspector protocol; the guardian ends and removes what it started.
import { closeSync, writeSync } from 'node:fs'
import { Session } from 'node:inspector'
import { isMainThread, parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { ERROR_KINDS } from '../contract/errors.ts'

/** Two 32-bit words: how often the main thread's loop has turned, and how long it may stand still, in ms; 0: for ever. */
export const WATCH_WORDS = 2
export const TURNS = 0
export const LIMIT = 1

/** Looks within the limit, and how many of them in a row may find the loop where it was: calls that are bounded on their own come first. */
const LOOKS = 8
const STILL_LOOKS_MOST = 10
/** What does not end by itself then is killed. */
const ENDS_WITHIN_MS = 2000

function endProcess(words: Int32Array, sentence: string): void {
  writeSync(2, `geowrite: ${sentence}\n`)
  // Node would add that it waits for a debugger, which is this thread.
  closeSync(2)
  const session = new Session()
  session.connectToMainThread()
  session.post('Runtime.evaluate', { expression: `process.reallyExit(${ERROR_KINDS.STORE.exit})` })
  Atomics.wait(words, LIMIT, Atomics.load(words, LIMIT), ENDS_WITHIN_MS)
  process.kill(process.pid, 'SIGKILL')
}

function watch(words: Int32Array, port: MessagePort): void {
  let sentence = ''
  let still = 0
  while (still <= STILL_LOOKS_MOST) {
    const limitMs = Atomics.load(words, LIMIT)
    const turns = Atomics.load(words, TURNS)
    const lookMs = limitMs === 0 ? Number.POSITIVE_INFINITY : limitMs / LOOKS
    // Whoever wakes this thread goes on, and so does who has changed the limit.
    const hasSlept = Atomics.wait(words, LIMIT, limitMs, lookMs) === 'timed-out'
    still = hasSlept && Atomics.load(words, TURNS) === turns ? still + 1 : 0
    for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port)) {
      sentence = String(told.message)
    }
  }
  endProcess(words, sentence)
}

if (!isMainThread && workerData instanceof SharedArrayBuffer && workerData.byteLength === WATCH_WORDS * 4) {
  watch(new Int32Array(workerData), parentPort as MessagePort)
}
