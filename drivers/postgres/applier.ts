// One connection of a pipeline to the receiving server: applies what waits in its queue, one transaction after another.
import type { Client } from 'pg'
import { applyBatch, applyBatchOver, applyPart, applyPartOver } from './apply-statements.ts'
import { codeOf } from './connect.ts'
import { RowQueue, type ApplyBatch } from './row-queue.ts'
import { allColumns, type SqlTable } from './sql-table.ts'

const POSITION_BYTES = 8
const UNIQUE_VIOLATION = '23505'

type Statement = 'apply_batch' | 'apply_part' | 'apply_batch_over' | 'apply_part_over'

/** What happens to an applier's batches. */
interface ApplierEvents {
  /** A batch is committed; `changed` of its rows were newer than what the DC had. */
  applied(batch: ApplyBatch, changed: number): void
  failed(error: Error): void
}

export class Applier {
  readonly queue: RowQueue
  /** Apply rows of a transaction before its end has come: memory is full of them, and the end would not fit. */
  mayCut = false
  readonly #client: Client
  readonly #origin: string
  readonly #rowsMax: number
  readonly #events: ApplierEvents
  readonly #texts: Readonly<Record<Statement, string>>
  #busy = false
  #stopped = false

  /** @param client a connection whose replication origin is set up as `origin`. */
  constructor(client: Client, origin: string, table: SqlTable, rowsMax: number, events: ApplierEvents) {
    this.#client = client
    this.#origin = origin
    this.#rowsMax = rowsMax
    this.#events = events
    this.queue = new RowQueue(allColumns(table))
    this.#texts = {
      apply_batch: applyBatch(table),
      apply_part: applyPart(table),
      apply_batch_over: applyBatchOver(table),
      apply_part_over: applyPartOver(table),
    }
  }

  /** Goes on applying unless it is at it: whatever queues up meanwhile becomes the next batch. */
  kick(): void {
    if (this.#busy || this.#stopped) return
    const batch = this.#take()
    if (batch === undefined) return
    this.#busy = true
    this.#apply(batch).then(
      (changed) => {
        this.#busy = false
        if (this.#stopped) return
        this.#events.applied(batch, changed)
        this.kick()
      },
      (error: Error) => {
        if (!this.#stopped) this.#events.failed(error)
      },
    )
  }

  /** What is to be applied next; undefined as well where a row of it cannot be read, which ends the applier. */
  #take(): ApplyBatch | undefined {
    try {
      return this.queue.take(this.#rowsMax, this.mayCut)
    } catch (error) {
      this.#stopped = true
      this.#events.failed(error as Error)
      return undefined
    }
  }

  async #apply({ position, arrays }: ApplyBatch): Promise<number> {
    const name = position === undefined ? 'apply_part' : 'apply_batch'
    const values =
      position === undefined
        ? arrays
        : [position.subarray(0, POSITION_BYTES), position.subarray(POSITION_BYTES), this.#origin, ...arrays]
    try {
      return await this.#run(name, values)
    } catch (error) {
      // A local writer has inserted one of the keys meanwhile, and nothing of the batch is there.
      if (codeOf(error) !== UNIQUE_VIOLATION) throw error
      return await this.#run(`${name}_over`, values)
    }
  }

  async #run(name: Statement, values: unknown[]): Promise<number> {
    const { rowCount } = await this.#client.query({ name, text: this.#texts[name], values })
    return rowCount ?? 0
  }

  /** Ends it without waiting; what was not committed is sent again by the source. */
  stop(): void {
    this.#stopped = true
    this.#client.connection.stream.destroy()
  }
}
