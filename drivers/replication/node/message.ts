// What nodes, sessions and admins say to one another: the types of frames, and the small bodies among them.
import { MalformedFrame } from './frame.ts'

/** Requests; the reply to type t has type t + REPLY and the same id. */
export const MESSAGE = {
  hello: 1,
  /** Packed rows, to be stored and logged. */
  write: 2,
  /** Keys. */
  read: 3,
  /** Packed rows, to be stored without being logged. */
  load: 4,
  digest: 5,
  /** Opens a cursor over rows; the reply is its first page. */
  rows: 6,
  /** The next page of a cursor; a page without rows is the last and ends it. */
  next: 7,
  /** Ends a cursor early. */
  endCursor: 8,
  status: 9,
  flush: 10,
  /** A peer asks for the log after a position; entries and beats follow for as long as the connection lives. */
  stream: 11,
  entry: 12,
  /** From a peer: the log is applied up to here. Also sent each second to show that it lives. */
  acknowledge: 13,
  /** To a peer: nothing new, but the node lives. */
  beat: 14,
  /** What the node planted on purpose; the reply is JSON. */
  planted: 15,
} as const

export const REPLY = 64
/** A refused request; the body says why. */
export const REFUSED = 127

const REFUSAL_BYTES_MAX = 300
const MAGIC = 0x31574e47 // "GNW1"

export const ROLE = { client: 1, peer: 2 } as const
type Role = (typeof ROLE)[keyof typeof ROLE]

export interface Hello {
  readonly role: Role
  readonly dcIndex: number
  readonly secret: string
}

export function encodeHello({ role, dcIndex, secret }: Hello): Buffer {
  const text = Buffer.from(secret, 'utf8')
  const body = Buffer.alloc(6 + text.length)
  body.writeUInt32LE(MAGIC, 0)
  body[4] = role
  body[5] = dcIndex
  text.copy(body, 6)
  return body
}

export function decodeHello(body: Buffer): Hello {
  if (body.length < 6 || body.readUInt32LE(0) !== MAGIC) throw new MalformedFrame('a greeting of another protocol')
  const role = body[4]
  if (role !== ROLE.client && role !== ROLE.peer) throw new MalformedFrame(`a greeting with role ${role}`)
  return { role, dcIndex: body[5], secret: body.toString('utf8', 6) }
}

/** Why a request was refused, in a length and in characters that a log can hold. */
export function refusalIn(body: Buffer): string {
  return body.toString('utf8', 0, REFUSAL_BYTES_MAX).replaceAll(/\p{C}+/gu, ' ')
}

/** Whether a number can be a key, dot, version or position. */
export const isIdentity = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** Numbers as float64, for keys, positions and whatever else comes without structure. */
export function encodeNumbers(numbers: ArrayLike<number>): Buffer {
  const body = Buffer.allocUnsafe(8 * numbers.length)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  for (let i = 0; i < numbers.length; i++) view.setFloat64(8 * i, numbers[i], true)
  return body
}

/** Keys, positions, dots or versions: whole numbers that a float64 holds exactly. */
export function decodeIdentities(body: Buffer): Float64Array<ArrayBuffer> {
  if (body.length % 8 !== 0) throw new MalformedFrame(`${body.length} bytes are no whole number of float64`)
  const numbers = new Float64Array(body.length / 8)
  new Uint8Array(numbers.buffer).set(body)
  for (const number of numbers) if (!isIdentity(number)) throw new MalformedFrame(`${number} is no whole number`)
  return numbers
}

/** The same, of which exactly `count` are expected. */
export function decodeExactly(body: Buffer, count: number): Float64Array<ArrayBuffer> {
  if (body.length !== 8 * count) throw new MalformedFrame(`${body.length} bytes where ${8 * count} were expected`)
  return decodeIdentities(body)
}

/** Which rows are asked for: the given keys, or one bucket of the whole table. */
type Selection = { readonly keys: Float64Array } | { readonly bucket: number; readonly buckets: number }

const KEYS = 1
const BUCKET = 2

export function encodeSelection(selection: Selection): Buffer {
  if ('keys' in selection) return Buffer.concat([Buffer.of(KEYS), encodeNumbers(selection.keys)])
  return Buffer.concat([Buffer.of(BUCKET), encodeNumbers([selection.bucket, selection.buckets])])
}

export function decodeSelection(body: Buffer): Selection {
  if (body[0] === KEYS) return { keys: decodeIdentities(body.subarray(1)) }
  if (body[0] !== BUCKET) throw new MalformedFrame('a selection that is neither keys nor a bucket')
  const [bucket, buckets] = decodeExactly(body.subarray(1), 2)
  if (bucket >= buckets) throw new MalformedFrame(`there is no bucket ${bucket} of ${buckets}`)
  return { bucket, buckets }
}

/** What a node says of itself; JSON, since it is asked for rarely. */
export interface NodeStatus {
  readonly dc: string
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  readonly headRows: number
  /** Other DCs: how much of this node's log they have applied, how much of theirs is applied here, and whether the streams are open. */
  readonly peers: readonly {
    readonly dc: string
    readonly acknowledgedRows: number
    readonly streaming: boolean
    readonly appliedRows: number
    readonly following: boolean
  }[]
  readonly counters: Readonly<Record<string, number>>
}
