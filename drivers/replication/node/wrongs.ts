// Carries out what a disturbance wants done to remote rows, now and later.
import type { Arrival, Disturbance } from './disturbance.ts'
import { DueQueue } from './due-queue.ts'

interface Puts {
  /** Puts a record, whatever is there. */
  always(key: number, record: Buffer): void
  /** Takes a remote record in as usual. */
  asUsual(key: number, record: Buffer): void
  /** What was put since is to be committed. */
  commit(): void
}

export class Wrongs {
  readonly #disturbance: Disturbance
  readonly #puts: Puts
  readonly #echoes: DueQueue
  readonly #heldBack: DueQueue

  constructor(disturbance: Disturbance, puts: Puts) {
    this.#disturbance = disturbance
    this.#puts = puts
    this.#echoes = new DueQueue()
    this.#heldBack = new DueQueue()
  }

  /** Deals with a row that has arrived; false where it is to be taken in as usual all the same. */
  take(key: number, record: Buffer, { late, instead, echo }: Arrival): boolean {
    const { echoDelayMs, holdBackMs } = this.#disturbance
    if (echo !== undefined) {
      this.#echoes.push(() => {
        const again = echo()
        if (again === undefined) return
        this.#puts.always(key, again)
        this.#puts.commit()
      }, echoDelayMs)
    }
    if (late === true) {
      this.#heldBack.push(() => {
        this.#disturbance.heldBackEnds(record)
        this.#puts.asUsual(key, record)
        this.#puts.commit()
      }, holdBackMs)
      return true
    }
    if (instead !== undefined) this.#puts.always(key, instead)
    return instead !== undefined
  }

  close(): void {
    this.#echoes.close()
    this.#heldBack.close()
  }
}
