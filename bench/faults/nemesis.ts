// Breaks what was asked for while the measured phase runs, and makes it whole again whatever happens.
import type { FaultFacts } from '../contract/fault.ts'
import { delay, nowUs } from '../lib/clock.ts'
import type { FaultGround, FoundFault } from './fault-kind.ts'
import { touchedBy } from './find-targets.ts'
import { KINDS } from './kinds.ts'

/** Hears of every start, mending and end as it happens. `atUs` is on the clock of `nowUs`. */
type FaultListener = (name: string, what: 'start' | 'mend' | 'end', atUs: number) => void

/** Drives the faults of one measured phase. */
export class Nemesis {
  readonly #faults: readonly FoundFault[]
  readonly #ground: FaultGround
  readonly #listener: FaultListener
  /** What is being changed, by name, until its fault is over: a service may need longer to start than was planned. */
  readonly #busy = new Map<string, Promise<unknown>>()

  constructor(faults: readonly FoundFault[], ground: FaultGround, listener: FaultListener) {
    this.#faults = faults
    this.#ground = ground
    this.#listener = listener
  }

  /**
   * Runs all faults of a phase that starts at `phaseStartUs` and resolves when all are over, with what happened when, in µs
   * of CLOCK_MONOTONIC. When one fails, or the signal is aborted, the others are ended early; the first reason is thrown.
   */
  async run(phaseStartUs: number, signal: AbortSignal): Promise<readonly FaultFacts[]> {
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    const ordered = this.#faults.toSorted((a, b) => a.plan.startMs - b.plan.startMs)
    const results = await Promise.allSettled(
      ordered.map(async (fault) => {
        try {
          return await this.#queue(fault, phaseStartUs, either)
        } catch (error) {
          failed.abort(error)
          throw error
        }
      }),
    )
    signal.throwIfAborted()
    if (failed.signal.aborted) throw failed.signal.reason
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  /** Runs a fault after those before it that change the same. */
  #queue(fault: FoundFault, phaseStartUs: number, signal: AbortSignal): Promise<FaultFacts> {
    const touched = touchedBy(fault)
    const before = touched.flatMap((name) => this.#busy.get(name) ?? [])
    const running = Promise.allSettled(before).then(() => this.#break(fault, phaseStartUs, signal))
    for (const name of touched) this.#busy.set(name, running)
    return running
  }

  async #break(fault: FoundFault, phaseStartUs: number, signal: AbortSignal): Promise<FaultFacts> {
    const { plan, links, services, dcs } = fault
    const kind = KINDS[plan.kind]
    await until(phaseStartUs + plan.startMs * 1000, signal)
    const startUs = this.#tell(plan.name, 'start')
    let mendUs: number
    try {
      await kind.begin(fault, this.#ground)
      await until(startUs + plan.lengthMs * 1000, signal)
    } finally {
      mendUs = this.#tell(plan.name, 'mend')
      await kind.end(fault, this.#ground, signal)
    }
    const endUs = this.#tell(plan.name, 'end')
    return {
      name: plan.name,
      kind: plan.kind,
      dcs,
      links: links.map(({ from, to }) => ({ from, to })),
      services,
      startUs,
      mendUs,
      endUs,
    }
  }

  #tell(name: string, what: 'start' | 'mend' | 'end'): number {
    const atUs = nowUs()
    this.#listener(name, what, atUs)
    return atUs
  }
}

/** Resolves not before `atUs`: a timer may be early by what it is rounded. */
async function until(atUs: number, signal: AbortSignal): Promise<void> {
  do await delay(Math.max(0, Math.ceil((atUs - nowUs()) / 1000)), signal)
  while (nowUs() < atUs)
}
