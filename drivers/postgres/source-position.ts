// How far a pipeline has come in its source's log: the position before which nothing is left to commit in the receiver.
import type { SourceTransaction } from './row-queue.ts'

export class SourcePosition {
  /** Transactions sent and not yet committed by all their appliers, in the source's order. */
  readonly #outstanding: SourceTransaction[] = []
  #inTransaction = false
  #keepaliveLsn = 0
  #committedLsn: number

  constructor(committedLsn: number) {
    this.#committedLsn = committedLsn
  }

  begin(): void {
    this.#inTransaction = true
  }

  /** The transaction has been handed to its appliers, or to none. */
  commit(transaction: SourceTransaction): void {
    this.#inTransaction = false
    this.#outstanding.push(transaction)
  }

  /** Everything before `lsn` has been sent; within a transaction that says nothing of the transaction itself. */
  keepalive(lsn: number): void {
    if (!this.#inTransaction) this.#keepaliveLsn = lsn
  }

  /** Moves past the transactions that are done, and to the last keepalive's position when all are; returns the position. */
  settle(): number {
    let done = 0
    while (done < this.#outstanding.length && this.#outstanding[done].waiting === 0) {
      this.#committedLsn = Math.max(this.#committedLsn, this.#outstanding[done].endLsn)
      done++
    }
    if (done > 0) this.#outstanding.splice(0, done)
    if (this.#outstanding.length === 0 && !this.#inTransaction) {
      this.#committedLsn = Math.max(this.#committedLsn, this.#keepaliveLsn)
    }
    return this.#committedLsn
  }
}
