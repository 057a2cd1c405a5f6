// One direction of one connection through a relay: what was read from its source, in order, until it is due at its sink.
import type { Socket } from 'node:net'
import { nowUs } from '../lib/clock.ts'
import type { RandomStream } from '../lib/random.ts'
import { ReadingRest } from '../lib/reading-rest.ts'
import type { Arrivals } from './arrivals.ts'
import type { DirectedLink } from './directed-link.ts'

/**
 * Bytes that one direction of a connection may hold, under way or not taken by its target, before its source is no
 * longer read: a TCP window. One more piece of 64 KiB may come on top.
 */
export const WINDOW_BYTES = 8 * 1024 * 1024
/** The same bound for many small pieces, whose bookkeeping weighs more than their bytes. */
const WINDOW_PIECES = 16_384
/** Delivered pieces are cut off the queue in lots, not one by one. */
const FORGET_PIECES = 1024

/** What travels: bytes, the opening of the connection, its end, or its reset. */
type Piece = Buffer | 'connect' | 'end' | 'reset'

interface Travelling {
  readonly piece: Piece
  arrivesUs: number
}

interface FlowOptions {
  readonly link: DirectedLink
  readonly arrivals: Arrivals
  readonly source: Socket
  readonly sink: Socket
  readonly counted: boolean
  readonly random: RandomStream
  /** Only the direction in which the connection was made has it. */
  readonly opening?: Opening
}

/** How the side that makes a connection goes about it. */
interface Opening {
  /** Opens the sink. */
  readonly connect: () => void
  /** The link on which the answer to the connection's first packet comes back: nothing is sent before. */
  readonly answers: DirectedLink
  /** The source gave up before the first packet had arrived: the target never hears of it. */
  readonly giveUp: () => void
}

/** Reads from `source` and writes to `sink` what the link lets arrive. */
export class Flow {
  readonly #options: FlowOptions
  #queue: Travelling[] = []
  #head = 0
  #queuedBytes = 0
  #lastArrivalUs = 0
  #windowFull = false
  #waitsForLink = false
  readonly #rest = new ReadingRest(() => this.#readOrNot())
  /** The connection was made while its answer could not come back. */
  #answerHeld: boolean
  /** Bytes leave no earlier: their sender must first have seen the other end's part of the handshake. */
  earliestUs = 0

  constructor(options: FlowOptions) {
    this.#options = options
    const { source, sink, link, opening } = options
    link.flows.add(this)
    this.#answerHeld = opening !== undefined && opening.answers.holds
    if (this.#answerHeld) opening?.answers.unanswered.add(this)
    source.on('data', (bytes: Buffer) => this.#take(bytes))
    source.on('end', () => this.#take('end'))
    source.on('error', () => this.#take('reset'))
    sink.on('drain', () => this.#reopenWindow())
    if (opening !== undefined) this.#take('connect')
  }

  get counted(): boolean {
    return this.#options.counted
  }

  get initiates(): boolean {
    return this.#options.opening !== undefined
  }

  get waitsForLink(): boolean {
    return this.#waitsForLink
  }

  /** Bytes read from the source's socket and not yet given to the link. */
  get readyBytes(): number {
    return this.#options.source.readableLength
  }

  /** Bytes of this direction in the relay. */
  get heldBytes(): number {
    return this.readyBytes + this.#queuedBytes + this.#options.sink.writableLength
  }

  /** When the first piece is due; infinite when there is none or the link holds it. */
  get nextUs(): number {
    if (this.isIdle || this.#options.link.holds) return Number.POSITIVE_INFINITY
    const { piece, arrivesUs } = this.#queue[this.#head]
    return this.#answerHeld && piece !== 'connect' ? Number.POSITIVE_INFINITY : arrivesUs
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#head === this.#queue.length
  }

  waitForLink(waits: boolean): void {
    this.#waitsForLink = waits
    this.#readOrNot()
  }

  /** Sends everything that is under way again, as if it left at `atUs`. */
  travelAnew(atUs: number): void {
    const last = this.#queue.at(-1)?.piece
    const unopened = !this.isIdle && this.#queue[this.#head].piece === 'connect'
    if (unopened && (last === 'end' || last === 'reset')) return this.#options.opening?.giveUp()
    this.#lastArrivalUs = 0
    for (let i = this.#head; i < this.#queue.length; i++) this.#stamp(this.#queue[i], atUs)
    this.#options.arrivals.expect(this)
  }

  /** The link has become faster: nothing that is under way arrives later than it would have, or than if it left at `atUs`. */
  hurry(atUs: number): void {
    this.#lastArrivalUs = 0
    for (let i = this.#head; i < this.#queue.length; i++) {
      const travelling = this.#queue[i]
      const beforeUs = travelling.arrivesUs
      this.#stamp(travelling, atUs)
      travelling.arrivesUs = this.#lastArrivalUs = Math.min(beforeUs, travelling.arrivesUs)
    }
    this.#options.arrivals.expect(this)
  }

  /** The answer to the connection's first packet can come back from `atUs` on: what waited for it leaves then. */
  answer(atUs: number): void {
    const { opening, arrivals } = this.#options
    this.#answerHeld = false
    this.earliestUs = atUs + (opening?.answers.delayUs ?? 0)
    this.#lastArrivalUs = 0
    for (let i = this.#head; i < this.#queue.length; i++) {
      const travelling = this.#queue[i]
      if (travelling.piece === 'connect') this.#lastArrivalUs = travelling.arrivesUs
      else this.#stamp(travelling, atUs)
    }
    arrivals.expect(this)
  }

  /** Gives the sink everything that is due at `untilUs`. */
  deliver(untilUs: number): void {
    const { sink, link } = this.#options
    if (this.nextUs > untilUs) return
    sink.cork()
    while (this.nextUs <= untilUs) this.#arrive(this.#queue[this.#head++].piece)
    sink.uncork()
    if (this.isIdle || this.#head > FORGET_PIECES) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    this.#reopenWindow()
    link.grant()
  }

  /** Forgets everything: both ends are gone. */
  abandon(): void {
    const { link, arrivals, opening } = this.#options
    link.flows.delete(this)
    opening?.answers.unanswered.delete(this)
    link.underWayBytes -= this.#queuedBytes
    this.#queuedBytes = 0
    this.#queue = []
    this.#head = 0
    arrivals.forget(this)
    this.#rest.end()
    link.grant()
  }

  #take(piece: Piece): void {
    const { link, arrivals } = this.#options
    if (!link.flows.has(this)) return
    if (typeof piece !== 'string') {
      this.#queuedBytes += piece.length
      link.underWayBytes += piece.length
    }
    const travelling: Travelling = { piece, arrivesUs: 0 }
    const atUs = nowUs()
    this.#stamp(travelling, atUs)
    this.#queue.push(travelling)
    // Nothing is put off that is due at once.
    if (travelling.arrivesUs <= atUs) this.deliver(atUs)
    if (!this.isIdle) arrivals.expect(this)
    if (this.#isFull()) {
      this.#windowFull = true
      this.#readOrNot()
    }
    link.stopWhenFull()
    // Bytes that come while it rests travel that much later than they might, and never sooner than the link lets them.
    if (typeof piece !== 'string') this.#rest.read(piece.length)
  }

  #stamp(travelling: Travelling, atUs: number): void {
    const { link, random } = this.#options
    const { piece } = travelling
    const earliestUs = piece === 'connect' ? atUs : this.earliestUs
    const unit = link.state.jitterMs > 0 ? random.unit() : 0.5
    const bytes = typeof piece === 'string' ? 0 : piece.length
    const arrivesUs = link.arrivalUs(bytes, atUs, earliestUs, unit)
    travelling.arrivesUs = this.#lastArrivalUs = Math.max(arrivesUs, this.#lastArrivalUs)
  }

  #arrive(piece: Piece): void {
    const { link, sink, counted, opening } = this.#options
    if (typeof piece !== 'string') {
      this.#queuedBytes -= piece.length
      link.underWayBytes -= piece.length
      if (counted) link.payloadBytes += piece.length
      if (!sink.destroyed) sink.write(piece)
    } else if (piece === 'connect') opening?.connect()
    else if (piece === 'end') sink.end()
    else if (!sink.destroyed) resetSocket(sink)
  }

  #isFull(): boolean {
    return this.heldBytes > WINDOW_BYTES || this.#queue.length - this.#head > WINDOW_PIECES
  }

  #reopenWindow(): void {
    if (!this.#windowFull || this.heldBytes > WINDOW_BYTES / 2 || this.#isFull()) return
    this.#windowFull = false
    this.#readOrNot()
  }

  #readOrNot(): void {
    const { source } = this.#options
    if (this.#windowFull || this.#waitsForLink || this.#rest.rests) source.pause()
    else source.resume()
  }
}

/** Ends a socket with a TCP reset, so that its peer sees an error and not an orderly end. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting || socket.pending) socket.destroy()
  else socket.resetAndDestroy()
}
