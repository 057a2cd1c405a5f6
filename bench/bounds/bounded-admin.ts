// A driver's admin as a run holds it: every answer is bounded in time, so that one that never comes ends the run in order.
import type { Admin, DeployPlan, Driver, Endpoints, RowSelection, RowSource, RowStates } from '../contract/driver.ts'
import { tableLimitMs } from '../contract/limits.ts'
import { answerOf } from './answer.ts'
import type { Whose } from './whose.ts'

class BoundedAdmin implements Admin {
  readonly #admin: Admin
  readonly #whose: Whose
  readonly #tableMs: number
  readonly remove?: () => Promise<void>

  constructor(admin: Admin, whose: Whose, rows: number) {
    this.#admin = admin
    this.#whose = whose
    this.#tableMs = tableLimitMs(whose.limits, rows)
    if (admin.remove !== undefined) this.remove = () => this.#quick('remove', async () => admin.remove?.())
  }

  describe(): ReturnType<Admin['describe']> {
    return this.#quick('describe', () => this.#admin.describe())
  }

  prepare(): Promise<void> {
    return this.#long('prepare', () => this.#admin.prepare())
  }

  load(source: RowSource, progress: (rows: number) => void): Promise<void> {
    let heardMs = performance.now()
    const heard = () => (heardMs = performance.now())
    const tell = (rows: number) => {
      heard()
      progress(rows)
    }
    // Who takes more rows goes on as well as who says that they are stored.
    const taken: RowSource = function* () {
      for (const batch of source()) {
        heard()
        yield batch
      }
    }
    const bound = { what: 'taken or loaded a row in its load()', limitMs: this.#tableMs, heardMs: () => heardMs }
    return answerOf(this.#whose, bound, () => this.#admin.load(taken, tell))
  }

  replicate(joining: Parameters<Admin['replicate']>[0]): Promise<void> {
    return this.#long('replicate', () => this.#admin.replicate(joining))
  }

  backlog(): ReturnType<Admin['backlog']> {
    return this.#quick('backlog', () => this.#admin.backlog())
  }

  digest(...asked: Parameters<Admin['digest']>): ReturnType<Admin['digest']> {
    return this.#long('digest', () => this.#admin.digest(...asked))
  }

  async *rows(dc: string, selection: RowSelection): AsyncGenerator<RowStates> {
    const blocks = await this.#long('rows', () => this.#admin.rows(dc, selection)[Symbol.asyncIterator]())
    let isOpen = true
    try {
      for (;;) {
        isOpen = false
        const { done, value } = await this.#long('rows', () => blocks.next())
        if (done === true) return
        isOpen = true
        yield value
      }
    } finally {
      if (isOpen) await this.#long('rows', async () => blocks.return?.())
    }
  }

  counters(): ReturnType<Admin['counters']> {
    return this.#quick('counters', () => this.#admin.counters())
  }

  flush(): Promise<void> {
    return this.#long('flush', () => this.#admin.flush())
  }

  [Symbol.asyncDispose](): Promise<void> {
    const bound = { what: 'closed its admin', limitMs: this.#whose.limits.closeMs }
    return answerOf(this.#whose, bound, () => this.#admin[Symbol.asyncDispose]())
  }

  #quick<T>(method: string, call: () => Promise<T>): Promise<T> {
    return answerOf(this.#whose, { what: `answered its ${method}()`, limitMs: this.#whose.limits.answerMs }, call)
  }

  #long<T>(method: string, call: () => T | Promise<T>): Promise<T> {
    return answerOf(this.#whose, { what: `answered its ${method}()`, limitMs: this.#tableMs }, call)
  }
}

/** Opens the admin of a run. Rejects with STORE when that takes too long; one that comes later is closed. */
export async function openAdmin(
  driver: Driver,
  whose: Whose,
  endpoints: Endpoints,
  plan: DeployPlan,
  signal: AbortSignal,
): Promise<Admin> {
  const givingUp = new AbortController()
  const until = AbortSignal.any([signal, givingUp.signal])
  let opening: Promise<Admin> | undefined
  try {
    const bound = { what: 'answered its admin()', limitMs: whose.limits.answerMs }
    const admin = await answerOf(whose, bound, () => (opening = driver.admin(endpoints, plan, until)))
    return new BoundedAdmin(admin, whose, plan.table.rows)
  } catch (error) {
    givingUp.abort(error)
    Promise.resolve(opening)
      .then((late) => late?.[Symbol.asyncDispose]())
      .catch(() => undefined)
    throw error
  }
}
