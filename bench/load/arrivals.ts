// One DC's arrivals as its workers see them: operation and intended time joined, block by block, cut into writers.
import type { OperationStream } from '../contract/workload.ts'
import { hashNumber } from '../lib/random.ts'
import type { Schedule } from './schedule.ts'

const BLOCK_ROWS = 4096
const WRITER_SALT = 0x57524954

/** Which writer of a DC owns a key: within a DC a key has one writer, so that its writes keep their order. */
export function writerOf(key: number, writers: number): number {
  return writers === 1 ? 0 : hashNumber(key, WRITER_SALT) % writers
}

/** As which of its own writers a worker of the DC has that of a key; −1 where another worker has it. */
export function laneOf(key: number, writers: number, worker: number, workers: number): number {
  const writer = writerOf(key, writers)
  // Divisions for every row would be felt.
  if (workers === 1) return writer
  return writer % workers === worker ? Math.floor(writer / workers) : -1
}

/**
 * The DC's whole stream of arrivals, with a place in it. Every worker of a DC walks the same stream and keeps the rows of
 * its own writers, so that the operations do not depend on how many workers there are.
 */
export class Arrivals {
  readonly #stream: OperationStream
  readonly #schedule: Schedule | undefined
  readonly #keys = new Float64Array(BLOCK_ROWS)
  readonly #operations = new Uint8Array(BLOCK_ROWS)
  readonly #offsetsUs = new Float64Array(BLOCK_ROWS)
  #at = BLOCK_ROWS

  /** Without a schedule (closed loop) every arrival is due at once. */
  constructor(stream: OperationStream, schedule: Schedule | undefined) {
    this.#stream = stream
    this.#schedule = schedule
  }

  #fill(): void {
    this.#stream.next(BLOCK_ROWS, this.#keys, this.#operations)
    this.#schedule?.(BLOCK_ROWS, this.#offsetsUs)
    this.#at = 0
  }

  /** Intended time of the next arrival in µs from the start of the phase. */
  get offsetUs(): number {
    if (this.#at === BLOCK_ROWS) this.#fill()
    return this.#offsetsUs[this.#at]
  }

  get key(): number {
    if (this.#at === BLOCK_ROWS) this.#fill()
    return this.#keys[this.#at]
  }

  get operation(): number {
    return this.#operations[this.#at]
  }

  advance(): void {
    this.#at++
  }

  /** Intended time of the arrival `ahead` places on, or of the last one known without drawing more. */
  peekOffsetUs(ahead: number): number {
    if (this.#at === BLOCK_ROWS) this.#fill()
    return this.#offsetsUs[Math.min(BLOCK_ROWS - 1, this.#at + ahead)]
  }
}
