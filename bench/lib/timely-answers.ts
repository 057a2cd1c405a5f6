// Questions to things that may be broken: each answer is waited for no longer than a bound, and nothing that still owes an
// answer is asked again.

export class TimelyAnswers {
  readonly #withinMs: number
  readonly #owing = new Set<string>()

  constructor(withinMs: number) {
    this.#withinMs = withinMs
  }

  /** The answer of `who`; undefined when it does not come in time, is a refusal, or an earlier one is still awaited. */
  async of<T>(who: string, question: () => Promise<T>): Promise<T | undefined> {
    if (this.#owing.has(who)) return undefined
    this.#owing.add(who)
    const answer = question()
      .catch(() => undefined)
      .finally(() => this.#owing.delete(who))
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), this.#withinMs)
    try {
      return await Promise.race([answer, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
