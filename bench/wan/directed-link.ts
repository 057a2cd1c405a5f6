// One directed link of a relay: when a piece of bytes arrives, and which connections must wait because the link is full.
import type { Link } from '../contract/topology.ts'
import type { Flow } from './flow.ts'
import type { LinkCounters, LinkState } from './link-state.ts'

/**
 * Bytes that may wait for a limited link beside those that fill it (bandwidth × delay): enough that it never idles while
 * a paused connection is woken. One more piece of 64 KiB may come on top.
 */
const QUEUE_BYTES = 384 * 1024

/** A directed link shared by all flows of one direction of a pair of DCs. */
export class DirectedLink {
  readonly from: string
  readonly to: string
  readonly flows = new Set<Flow>()
  /** Flows of the other direction whose connection was made while this one held its answer. */
  readonly unanswered = new Set<Flow>()
  /** Bytes that wait for the link or travel on it. */
  underWayBytes = 0
  /** Bytes that arrived, of counted routes. */
  payloadBytes = 0
  #state: LinkState
  /** When the last byte given to a limited link has left. */
  #freeAtUs = 0
  readonly #waiting: Flow[] = []

  constructor(link: Link) {
    this.from = link.from
    this.to = link.to
    this.#state = {
      delayMs: link.delayMs,
      jitterMs: link.jitterMs,
      bandwidthBytesPerSecond: link.bandwidthBytesPerSecond ?? null,
      condition: 'open',
    }
  }

  get state(): LinkState {
    return this.#state
  }

  get delayUs(): number {
    return this.#state.delayMs * 1000
  }

  get holds(): boolean {
    return this.#state.condition !== 'open'
  }

  /** Changes the state; what was held travels anew from `atUs` when the link opens, as TCP would send it again. */
  change(change: Partial<LinkState>, atUs: number): void {
    const held = this.holds
    const before = this.#state.bandwidthBytesPerSecond ?? Number.POSITIVE_INFINITY
    this.#state = { ...this.#state, ...change }
    const now = this.#state.bandwidthBytesPerSecond ?? Number.POSITIVE_INFINITY
    if (held && !this.holds) {
      this.#freeAtUs = atUs
      for (const flow of this.flows) flow.travelAnew(atUs)
      for (const flow of this.unanswered) flow.answer(atUs)
      this.unanswered.clear()
    } else if (now > before) {
      this.#freeAtUs = atUs
      for (const flow of this.flows) flow.hurry(atUs)
    }
    this.grant()
  }

  /** When `bytes` that are ready at `atUs`, but leave no earlier than `earliestUs`, are there. `unit` in [0, 1) draws the jitter. */
  arrivalUs(bytes: number, atUs: number, earliestUs: number, unit: number): number {
    const { delayMs, jitterMs, bandwidthBytesPerSecond } = this.#state
    let leftUs = atUs
    if (bandwidthBytesPerSecond !== null && bytes > 0) {
      this.#freeAtUs = Math.max(atUs, this.#freeAtUs) + (bytes / bandwidthBytesPerSecond) * 1e6
      leftUs = this.#freeAtUs
    }
    return Math.max(leftUs, earliestUs) + Math.max(0, delayMs + jitterMs * (2 * unit - 1)) * 1000
  }

  /** Stops all flows when a limited link holds what it may. */
  stopWhenFull(): void {
    if (this.#roomBytes() > 0) return
    for (const flow of this.flows) {
      if (flow.waitsForLink) continue
      flow.waitForLink(true)
      this.#waiting.push(flow)
    }
  }

  /** Lets waiting flows go on, in turn, as far as there is room. */
  grant(): void {
    let roomBytes = this.#roomBytes()
    while (this.#waiting.length > 0 && roomBytes > 0) {
      const flow = this.#waiting.shift() as Flow
      roomBytes -= flow.readyBytes
      flow.waitForLink(false)
    }
  }

  counters(): LinkCounters {
    let heldBytes = 0
    let connections = 0
    for (const flow of this.flows) {
      if (!flow.counted) continue
      heldBytes += flow.heldBytes
      if (flow.initiates) connections++
    }
    const { from, to, payloadBytes } = this
    return { from, to, payloadBytes, heldBytes, connections, condition: this.#state.condition }
  }

  #roomBytes(): number {
    const { delayMs, bandwidthBytesPerSecond } = this.#state
    if (bandwidthBytesPerSecond === null) return Number.POSITIVE_INFINITY
    return (bandwidthBytesPerSecond * delayMs) / 1000 + QUEUE_BYTES - this.underWayBytes
  }
}
