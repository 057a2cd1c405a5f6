// When each of several pings is sent: all once in a period, spread over it.

/** Sends pings at a period that may change. */
export class PingTimers {
  readonly #pings: readonly (() => void)[]
  #timers: readonly NodeJS.Timeout[] = []
  #generation = 0

  constructor(pings: readonly (() => void)[]) {
    this.#pings = pings
  }

  /** Sends each once in `periodMs` from now on; null stops. */
  every(periodMs: number | null): void {
    const started = ++this.#generation
    for (const timer of this.#timers) clearTimeout(timer)
    if (periodMs === null) return
    const isCurrent = () => started === this.#generation
    this.#timers = this.#pings.map((ping, i) =>
      // Spread over the period, so that pings do not queue behind one another.
      setTimeout(
        () => {
          if (!isCurrent()) return
          ping()
          const each = setInterval(() => (isCurrent() ? ping() : clearInterval(each)), periodMs)
        },
        (i * periodMs) / this.#pings.length,
      ),
    )
  }
}
