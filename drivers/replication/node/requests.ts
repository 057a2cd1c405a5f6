// The requests of one client: writes, loads and reads in the order in which they came, and the slower questions beside them.
import { nowUs } from '../../../bench/lib/clock.ts'
import { DigestSum } from '../../../bench/lib/digest-sum.ts'
import { messageOf } from '../../../bench/contract/errors.ts'
import { BUCKETS_MAX, encodeDigest } from './digest.ts'
import { DueQueue } from './due-queue.ts'
import type { EngineSnapshot, RowPage } from './engine.ts'
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, MalformedFrame, frameOf, sealFrame } from './frame.ts'
import { type FrameSocket, allocateFrame } from './frame-socket.ts'
import {
  MESSAGE,
  type NodeStatus,
  REFUSED,
  REPLY,
  decodeExactly,
  decodeIdentities,
  decodeSelection,
  encodeNumbers,
} from './message.ts'
import {
  PackedRows,
  type RowBounds,
  packRecords,
  recordDot,
  recordVersion,
  recordWithoutVector,
} from './packed-rows.ts'
import { pagesOfBucket, pagesOfKeys } from './row-pages.ts'
import { readVector } from './row-vectors.ts'
import { Serial } from './serial.ts'
import type { Store } from './store.ts'
import { encodeWriteAnswer } from './write-answer.ts'

/** Bytes of unanswered requests, or of unread answers, beyond which no more requests are taken. */
const UNANSWERED_BYTES_MAX = 8 << 20
/** What the node holds for an unanswered request beside its body. */
const REQUEST_BYTES = 512
const CURSORS_MAX = 4

interface Cursor {
  readonly snapshot: EngineSnapshot
  readonly pages: AsyncIterator<RowPage>
}

export class Requests {
  readonly #socket: FrameSocket
  readonly #store: Store
  readonly #bounds: RowBounds
  readonly #status: () => NodeStatus
  readonly #late = new DueQueue()
  readonly #jobs: Serial
  /** Walks over rows, one at a time and none while answers are unread: each takes memory of its own. */
  readonly #walks: Serial
  #roomForAnswer: PromiseWithResolvers<void> | undefined
  readonly #cursors = new Map<number, Cursor>()
  #nextCursor = 1
  #unansweredBytes = 0
  #uncommittedWrites = 0

  constructor(socket: FrameSocket, store: Store, bounds: RowBounds, status: () => NodeStatus) {
    this.#socket = socket
    this.#store = store
    this.#bounds = bounds
    this.#status = status
    this.#jobs = new Serial((error) => socket.fail(error))
    this.#walks = new Serial((error) => socket.fail(error))
  }

  /** Takes one request; throws MalformedFrame where it is none. */
  take(type: number, id: number, body: Buffer): void {
    const store = this.#store
    const bytes = REQUEST_BYTES + body.length
    this.#unansweredBytes += bytes
    const settle = (answer: Buffer) => {
      this.#unansweredBytes -= bytes
      this.#socket.send(answer)
      this.regulate()
    }
    const reply = (answer: Buffer) => settle(sealFrame(answer, type + REPLY, id))
    const answered = (question: Promise<Buffer>): Promise<void> =>
      question.then(reply, (error: unknown) => {
        if (error instanceof MalformedFrame) this.#socket.fail(error)
        else settle(frameOf(REFUSED, id, Buffer.from(messageOf(error), 'utf8')))
      })
    const answer = (question: Promise<Buffer>) => void answered(question)
    const rows = () => PackedRows.parse(body, store.vectorDcs, this.#bounds)
    if (type === MESSAGE.write) this.#jobs.push(() => this.#write(rows(), reply))
    else if (type === MESSAGE.read) this.#jobs.push(() => this.#read(decodeIdentities(body), answer))
    else if (type === MESSAGE.load) this.#jobs.push(() => store.load(rows(), () => reply(allocateFrame(0))))
    else if (type === MESSAGE.digest) this.#walk(() => answered(this.#digest(body)))
    else if (type === MESSAGE.rows) this.#walk(() => answered(this.#open(body)))
    else if (type === MESSAGE.next) this.#walk(() => answered(this.#next(decodeExactly(body, 1)[0])))
    else if (type === MESSAGE.endCursor) this.#walk(() => answered(this.#end(decodeExactly(body, 1)[0])))
    else answer(this.#question(type))
    this.regulate()
  }

  /** Takes no more requests while too much is unanswered or unread. */
  regulate(): void {
    const { unsentBytes } = this.#socket
    if (Math.max(this.#unansweredBytes, unsentBytes) > UNANSWERED_BYTES_MAX) this.#socket.pause()
    else this.#socket.resume()
    if (unsentBytes <= UNANSWERED_BYTES_MAX) this.#roomForAnswer?.resolve()
  }

  close(): void {
    this.#jobs.clear()
    this.#walks.clear()
    this.#late.close()
    // One that is being read fails, to be told to nobody; its end says no more.
    for (const cursor of this.#cursors.values()) cursor.snapshot.close().catch(() => undefined)
    this.#cursors.clear()
  }

  #walk(walk: () => Promise<void>): void {
    this.#walks.push(async () => {
      if (this.#socket.unsentBytes > UNANSWERED_BYTES_MAX) {
        this.#roomForAnswer = Promise.withResolvers()
        await this.#roomForAnswer.promise
      }
      return walk()
    })
  }

  #write(rows: PackedRows, reply: (answer: Buffer) => void): void | Promise<void> {
    this.#uncommittedWrites++
    const lateMs = rows.count === 0 ? 0 : (this.#store.disturbance?.acknowledgeDelayMs?.(rows.dot(0)) ?? 0)
    return this.#store.write(rows, (answer) => {
      this.#uncommittedWrites--
      this.#late.push(() => reply(framed(encodeWriteAnswer(answer))), lateMs)
    })
  }

  /** A read shows the writes that came before it on this connection, and waits for no others. */
  #read(keys: Float64Array, answer: (question: Promise<Buffer>) => void): void {
    if (8 * (2 + this.#store.vectorDcs) * keys.length > FRAME_BYTES_MAX - FRAME_HEADER_BYTES) {
      throw new MalformedFrame(`the answer for ${keys.length} keys is longer than a frame`)
    }
    const versions = async () => {
      const records = await this.#store.engine.read(keys)
      const { vectorDcs } = this.#store
      const numbers = new Float64Array((2 + vectorDcs) * keys.length)
      for (let i = 0; i < records.length; i++) {
        const record = records[i]
        if (record === undefined) continue
        numbers[i] = recordDot(record)
        numbers[keys.length + i] = recordVersion(record)
        if (vectorDcs > 0) readVector(record, numbers, 2 * keys.length + i * vectorDcs)
      }
      return framed(encodeNumbers(numbers))
    }
    if (this.#uncommittedWrites === 0) answer(versions())
    else this.#store.whenCommitted(() => answer(versions()))
  }

  #question(type: number): Promise<Buffer> {
    switch (type) {
      case MESSAGE.status:
        return Promise.resolve(framed(Buffer.from(JSON.stringify(this.#status()), 'utf8')))
      case MESSAGE.planted:
        return Promise.resolve(framed(Buffer.from(JSON.stringify(this.#store.disturbance?.planted() ?? []), 'utf8')))
      case MESSAGE.flush:
        return this.#flush()
      default:
        throw new MalformedFrame(`there is no request ${type}`)
    }
  }

  async #flush(): Promise<Buffer> {
    await new Promise<void>((resolve) => this.#store.whenCommitted(resolve))
    await this.#store.engine.flush()
    return allocateFrame(0)
  }

  /** Body: buckets u32 · 1 for all rows or 0 for those of the keys that follow. */
  async #digest(body: Buffer): Promise<Buffer> {
    if (body.length < 5) throw new MalformedFrame('a digest of nothing')
    const buckets = body.readUInt32LE(0)
    if (buckets < 1 || buckets > BUCKETS_MAX) throw new MalformedFrame(`a digest of ${buckets} buckets`)
    const sum = new DigestSum(buckets)
    const startedUs = nowUs()
    const snapshot = this.#store.engine.snapshot()
    const endedUs = nowUs()
    try {
      const pages = body[4] === 1 ? snapshot.pages() : pagesOfKeys(snapshot, decodeIdentities(body.subarray(5)))
      for await (const { keys, records } of pages) {
        for (let i = 0; i < keys.length; i++) sum.add(keys[i], recordWithoutVector(records[i]))
      }
    } finally {
      await snapshot.close()
    }
    return framed(encodeDigest(sum, startedUs, endedUs))
  }

  async #open(body: Buffer): Promise<Buffer> {
    const selection = decodeSelection(body)
    if (this.#cursors.size === CURSORS_MAX) throw new Error(`no more than ${CURSORS_MAX} cursors may be open`)
    const snapshot = this.#store.engine.snapshot()
    const pages =
      'keys' in selection
        ? pagesOfKeys(snapshot, selection.keys)
        : pagesOfBucket(snapshot, selection.bucket, selection.buckets)
    const cursor = this.#nextCursor++
    this.#cursors.set(cursor, { snapshot, pages: pages[Symbol.asyncIterator]() })
    return this.#next(cursor)
  }

  /** Answer: cursor f64 · packed rows. */
  async #next(number: number): Promise<Buffer> {
    const cursor = this.#cursors.get(number)
    if (cursor === undefined) throw new Error(`there is no cursor ${number}`)
    let page = await cursor.pages.next()
    while (page.done !== true && page.value.keys.length === 0) page = await cursor.pages.next()
    if (page.done === true) await this.#end(number)
    const rows = page.done === true ? packRecords([], []) : packRecords(page.value.keys, page.value.records)
    return framed(Buffer.concat([encodeNumbers([number]), rows]))
  }

  async #end(number: number): Promise<Buffer> {
    const cursor = this.#cursors.get(number)
    this.#cursors.delete(number)
    await cursor?.snapshot.close()
    return allocateFrame(0)
  }
}

function framed(body: Buffer): Buffer {
  const frame = allocateFrame(body.length)
  body.copy(frame, frame.length - body.length)
  return frame
}
