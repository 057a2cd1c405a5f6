// Which calls of a driver are under way, so that a check that does not end can say what it waits for.
type Call = (...args: readonly unknown[]) => unknown

export class Watch {
  readonly #underWay = new Map<number, string>()
  #next = 0

  /** The longest-standing call that has not been answered, such as `write() of a session on eu-west`; undefined when there is none. */
  get waitingFor(): string | undefined {
    return this.#underWay.values().next().value
  }

  /** Forgets what is under way: it belongs to a deployment that is gone. */
  clear(): void {
    this.#underWay.clear()
  }

  /** Follows a promise under a name. */
  async follow<T>(what: string, promise: Promise<T>): Promise<T> {
    const id = this.#next++
    this.#underWay.set(id, what)
    try {
      return await promise
    } finally {
      this.#underWay.delete(id)
    }
  }

  /** The same object, whose calls are followed. */
  wrap<T extends object>(target: T, whose: string): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        const method = name === Symbol.asyncDispose ? 'the closing' : `${String(name)}()`
        return (...args: readonly unknown[]): unknown => {
          const result = Reflect.apply(member as Call, target, args)
          const what = `${method} of ${whose}`
          if (result instanceof Promise) return this.follow(what, result)
          if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
            return this.#read(what, result as AsyncIterable<unknown>)
          }
          return result
        }
      },
    })
  }

  async *#read(what: string, items: AsyncIterable<unknown>): AsyncGenerator {
    const iterator = items[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await this.follow(what, Promise.resolve(iterator.next()))
        if (done === true) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  }
}
