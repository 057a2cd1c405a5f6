// Commits in groups: what is added while a commit is under way is committed together by the next one.

export class GroupCommit {
  readonly #commit: () => Promise<void>
  readonly #fatal: (error: unknown) => void
  #waiting: (() => void)[] = []
  #running = false

  /**
   * @param commit commits all that was put up to the call; never called again before it has ended.
   * @param fatal called when it fails, after which nothing is committed any more.
   */
  constructor(commit: () => Promise<void>, fatal: (error: unknown) => void) {
    this.#commit = commit
    this.#fatal = fatal
  }

  get idle(): boolean {
    return !this.#running
  }

  /** Something was put: `done` is called when it is committed, in the order of the calls. */
  add(done: () => void): void {
    this.#waiting.push(done)
    if (!this.#running) void this.#run()
  }

  /**
   * Puts, and returns what is to be called when it is committed. What fails half-way is as fatal as a failed commit: the rest of
   * it would be in no log.
   */
  put(change: () => () => void): void {
    let done: () => void
    try {
      done = change()
    } catch (error) {
      return this.#fatal(error)
    }
    this.add(done)
  }

  /** Calls back when all that was put so far is committed; at once if it is. */
  whenIdle(done: () => void): void {
    if (this.#running) this.#waiting.push(done)
    else done()
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#waiting.length > 0) {
        const group = this.#waiting
        this.#waiting = []
        await this.#commit()
        for (const done of group) done()
      }
      this.#running = false
    } catch (error) {
      this.#fatal(error)
    }
  }
}
