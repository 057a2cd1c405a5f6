// Things that happen a fixed time later, in their order, with one timer for all of them.

export class DueQueue {
  readonly #delayMs: number
  readonly #actions: { readonly dueMs: number; readonly act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  /** Acts after the delay; at once where the delay is 0. */
  push(act: () => void): void {
    if (this.#delayMs === 0) return act()
    this.#actions.push({ dueMs: performance.now() + this.#delayMs, act })
    this.#arm()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#actions.length = 0
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#actions.length === 0) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        const nowMs = performance.now()
        // A timer may fire a fraction of a millisecond early.
        while (this.#actions.length > 0 && this.#actions[0].dueMs <= nowMs + 0.5) this.#actions.shift()?.act()
        this.#arm()
      },
      Math.max(1, this.#actions[0].dueMs - performance.now()),
    )
  }
}
