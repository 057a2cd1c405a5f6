// When the pieces that travel through a relay are due: one alarm for all flows of the process.
import { Alarm } from '../lib/alarm.ts'
import { nowUs } from '../lib/clock.ts'
import type { Flow } from './flow.ts'

/** What is due this soon is delivered along with what is due now. */
const ALONG_US = 50
/** Under load pieces are gathered so long rather than woken for one by one: it bounds the cost of the alarm. */
const GATHER_US = 150

/** Delivers every flow's pieces when they are due. */
export class Arrivals implements Disposable {
  readonly #flows = new Set<Flow>()
  readonly #alarm = new Alarm(() => this.#deliver())
  #alarmUs = Number.POSITIVE_INFINITY

  /** Resolves when deliveries are punctual. */
  get started(): Promise<void> {
    return this.#alarm.started
  }

  /** Minds a flow that has something under way, or whose first piece is due at another time than before. */
  expect(flow: Flow): void {
    this.#flows.add(flow)
    if (flow.nextUs < this.#alarmUs) this.#set(flow.nextUs)
  }

  forget(flow: Flow): void {
    this.#flows.delete(flow)
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]()
  }

  #set(atUs: number): void {
    this.#alarmUs = atUs
    if (atUs !== Number.POSITIVE_INFINITY) this.#alarm.set(atUs)
  }

  #deliver(): void {
    const atUs = nowUs()
    let nextUs = Number.POSITIVE_INFINITY
    // Deliveries may add flows; until the end of this turn they need no alarm of their own.
    this.#alarmUs = Number.NEGATIVE_INFINITY
    for (const flow of this.#flows) {
      flow.deliver(atUs + ALONG_US)
      if (flow.isIdle) this.#flows.delete(flow)
      else if (flow.nextUs < nextUs) nextUs = flow.nextUs
    }
    this.#set(nextUs === Number.POSITIVE_INFINITY ? nextUs : Math.max(nextUs, atUs + GATHER_US))
  }
}
