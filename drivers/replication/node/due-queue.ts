// Things that happen some time later, in their order, with one timer for all of them.

export class DueQueue {
  readonly #actions: { readonly dueMs: number; readonly act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  /** Acts after the delay, but not before what was pushed earlier; at once where there is nothing to wait for. */
  push(act: () => void, delayMs: number): void {
    const last = this.#actions.at(-1)
    if (delayMs === 0 && last === undefined) return act()
    const dueMs = performance.now() + delayMs
    this.#actions.push({ dueMs: last === undefined ? dueMs : Math.max(last.dueMs, dueMs), act })
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
