// The requests of one client: writes, loads and reads in the order in which they came, and the slower questions beside them.
import { nowUs } from '../../../bench/lib/clock.ts'
import { DigestSum } from '../../../bench/lib/digest-sum.ts'
import { messageOf } from '../../../bench/contract/errors.ts'
import { BUCKETS_MAX, encodeDigest } from './digest.ts'
import { DueQueue } from './due-queue.ts'
import type { EngineSnapshot, RowPage } from './engine.ts'
import { MalformedFrame, frameOf, sealFrame } from './frame.ts'
import { type FrameSocket, allocateFrame } from './frame-socket.ts'
import {
  MESSAGE,
  type NodeStatus,
  REFUSED,
  REPLY,
  decodeExactly,
  decodeKeys,
  decodeSelection,
  encodeNumbers,
} from './message.ts'
import { PackedRows, packRecords, recordDot, recordVersion, recordWithoutVector } from './packed-rows.ts'
import { readVector } from './row-vectors.ts'
import { Serial } from './serial.ts'
import type { Store } from './store.ts'
import { encodeWriteAnswer } from './write-answer.ts'

/** Bytes of unanswered requests, or of unread answers, beyond which no more requests are taken. */
const UNANSWERED_BYTES_MAX = 8 << 20
const CURSORS_MAX = 4
/** Rows read of one go, so that the event loop is never held for long. */
const CHUNK_ROWS = 500

interface Cursor {
  readonly snapshot: EngineSnapshot
  readonly pages: AsyncIterator<RowPage>
}

export class Requests {
  readonly #socket: FrameSocket
  readonly #store: Store
  readonly #status: () => NodeStatus
  readonly #late = new DueQueue()
  readonly #jobs: Serial
  readonly #cursors = new Map<number, Cursor>()
  #nextCursor = 1
  #unansweredBytes = 0
  #uncommittedWrites = 0

  constructor(socket: FrameSocket, store: Store, status: () => NodeStatus) {
    this.#socket = socket
    this.#store = store
    this.#status = status
    this.#jobs = new Serial((error) => {
      if (!(error instanceof MalformedFrame)) throw error
      socket.close(`malformed: ${error.message}`)
    })
  }

  /** Takes one request; throws MalformedFrame where it is none. */
  take(type: number, id: number, body: Buffer): void {
    const store = this.#store
    this.#unansweredBytes += body.length
    const settle = (answer: Buffer) => {
      this.#unansweredBytes -= body.length
      this.#socket.send(answer)
      this.regulate()
    }
    const reply = (answer: Buffer) => settle(sealFrame(answer, type + REPLY, id))
    const answer = (question: Promise<Buffer>) => {
      question.then(reply, (error: unknown) => {
        if (error instanceof MalformedFrame) this.#socket.close(`malformed: ${error.message}`)
        else settle(frameOf(REFUSED, id, Buffer.from(messageOf(error), 'utf8')))
      })
    }
    if (type === MESSAGE.write) this.#jobs.push(() => this.#write(PackedRows.parse(body, store.vectorDcs), reply))
    else if (type === MESSAGE.read) this.#jobs.push(() => this.#read(decodeKeys(body), answer))
    else if (type === MESSAGE.load)
      this.#jobs.push(() => store.load(PackedRows.parse(body, store.vectorDcs), () => reply(allocateFrame(0))))
    else answer(this.#question(type, body))
    this.regulate()
  }

  /** Takes no more requests while too much is unanswered or unread. */
  regulate(): void {
    if (Math.max(this.#unansweredBytes, this.#socket.unsentBytes) > UNANSWERED_BYTES_MAX) this.#socket.pause()
    else this.#socket.resume()
  }

  close(): void {
    this.#jobs.clear()
    this.#late.close()
    for (const cursor of this.#cursors.values()) void cursor.snapshot.close()
    this.#cursors.clear()
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

  #question(type: number, body: Buffer): Promise<Buffer> {
    switch (type) {
      case MESSAGE.digest:
        return this.#digest(body)
      case MESSAGE.rows:
        return this.#open(body)
      case MESSAGE.next:
        return this.#next(decodeExactly(body, 1)[0])
      case MESSAGE.endCursor:
        return this.#end(decodeExactly(body, 1)[0])
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
      const pages = body[4] === 1 ? snapshot.pages() : pagesOfKeys(snapshot, decodeKeys(body.subarray(5)))
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

async function* pagesOfKeys(snapshot: EngineSnapshot, keys: Float64Array): AsyncGenerator<RowPage> {
  for (let from = 0; from < keys.length; from += CHUNK_ROWS) {
    const asked = keys.subarray(from, from + CHUNK_ROWS)
    const found = await snapshot.read(asked)
    const page: { keys: number[]; records: Buffer[] } = { keys: [], records: [] }
    for (let i = 0; i < asked.length; i++) {
      const record = found[i]
      if (record === undefined) continue
      page.keys.push(asked[i])
      page.records.push(record)
    }
    yield page
  }
}

async function* pagesOfBucket(snapshot: EngineSnapshot, bucket: number, buckets: number): AsyncGenerator<RowPage> {
  let page: { keys: number[]; records: Buffer[] } = { keys: [], records: [] }
  for await (const { keys, records } of snapshot.pages()) {
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] % buckets !== bucket) continue
      page.keys.push(keys[i])
      page.records.push(records[i])
    }
    if (page.keys.length < CHUNK_ROWS) continue
    yield page
    page = { keys: [], records: [] }
  }
  yield page
}

function framed(body: Buffer): Buffer {
  const frame = allocateFrame(body.length)
  body.copy(frame, frame.length - body.length)
  return frame
}
