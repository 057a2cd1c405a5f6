// Runs jobs one after another, without a promise as long as none has to wait.

type Job = () => void | Promise<void>

export class Serial {
  readonly #jobs: Job[] = []
  readonly #failed: (error: unknown) => void
  #waiting = false

  /** @param failed called with what a job threw; later jobs are dropped. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Runs the job now, or after those before it. */
  push(job: Job): void {
    this.#jobs.push(job)
    if (!this.#waiting) this.#run()
  }

  /** Forgets the jobs that have not begun. */
  clear(): void {
    this.#jobs.length = 0
  }

  #run(): void {
    try {
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
        const wait = job()
        if (wait === undefined) continue
        this.#waiting = true
        wait.then(
          () => {
            this.#waiting = false
            this.#run()
          },
          (error: unknown) => this.#fail(error),
        )
        return
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#jobs.length = 0
    this.#failed(error)
  }
}
