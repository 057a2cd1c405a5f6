// Keeps the writes of a key in the order in which they came, where the store would take them in any.

export class KeyOrder {
  readonly #last = new Map<number, Promise<unknown>>()

  /** Runs `task` when every earlier task on one of `keys` has ended. */
  async run<R>(keys: readonly number[], task: () => Promise<R>): Promise<R> {
    const before = new Set(keys.flatMap((key) => this.#last.get(key) ?? []))
    const running = before.size === 0 ? task() : Promise.allSettled(before).then(task)
    for (const key of keys) this.#last.set(key, running)
    try {
      return await running
    } finally {
      for (const key of keys) if (this.#last.get(key) === running) this.#last.delete(key)
    }
  }
}
