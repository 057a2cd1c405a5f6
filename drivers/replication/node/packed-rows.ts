// Rows as they travel, lie in the log and are stored: one layout, so that a stored row is a slice of the request that wrote it.
//
//   rows   = count u32 · keys f64[count] · ends u32[count] (of the records, from the first) · records
//   record = dot f64 · version f64 · operation u3, DCs u5 · content (the canonical encoding of bench/lib/content.ts; of a delete,
//            none) · version vector f64[DCs]: by DC the latest dot on this key that was taken in, only where causality is exact
import { encodeContent, encodedLength } from '../../../bench/lib/content.ts'
import { OPERATION, type Column, type RowBatch } from '../../../bench/contract/table.ts'
import { MalformedFrame } from './frame.ts'
import { isIdentity } from './message.ts'

/** Bytes of a record before the content. */
export const RECORD_HEADER_BYTES = 17
const OPERATION_AT = 16
const OPERATION_MASK = 7
const DCS_SHIFT = 3

export const recordDot = (record: Buffer): number => record.readDoubleLE(0)
export const recordVersion = (record: Buffer): number => record.readDoubleLE(8)
/** DCs in the record's version vector; 0 where it has none. */
const recordDcs = (record: Buffer): number => record[OPERATION_AT] >>> DCS_SHIFT
/** Where the record's version vector begins, and where all that DCs must agree upon ends: a vector may differ for a while. */
export const recordVectorAt = (record: Buffer): number => record.length - 8 * recordDcs(record)
export const recordContent = (record: Buffer): Buffer => record.subarray(RECORD_HEADER_BYTES, recordVectorAt(record))
export const recordWithoutVector = (record: Buffer): Buffer => record.subarray(0, recordVectorAt(record))

/** What a client's rows may be at most. */
export interface RowBounds {
  readonly recordBytesMax: number
  readonly versionMax: number
}

const UNBOUNDED: RowBounds = { recordBytesMax: 0xffffffff, versionMax: Number.MAX_SAFE_INTEGER }

/**
 * The highest version that a client may write, in the year 2112: above it DCs have room to raise versions for as long as they like,
 * and no row of a client's makes them a version that their peers would have to refuse.
 */
const CLIENT_VERSION_MAX = 2 ** 52

/** The bounds of rows of a table: a node holds many of them at once, and none is longer than its columns. */
export function boundsOf(columns: readonly Column[], vectorDcs: number): RowBounds {
  const recordBytesMax = columns.reduce(
    (sum, column) => sum + (column.type === 'int' ? 4 : 2 + column.maxBytes),
    RECORD_HEADER_BYTES + 8 * vectorDcs,
  )
  return { recordBytesMax, versionMax: CLIENT_VERSION_MAX }
}

/** A view of packed rows: nothing is copied, so the bytes must stay. */
export class PackedRows {
  readonly bytes: Buffer
  readonly count: number
  readonly #view: DataView
  readonly #endsAt: number
  readonly #recordsAt: number

  private constructor(bytes: Buffer, view: DataView, count: number) {
    this.bytes = bytes
    this.count = count
    this.#view = view
    this.#endsAt = 4 + 8 * count
    this.#recordsAt = 4 + 12 * count
  }

  /**
   * Views bytes that may come from anywhere; throws MalformedFrame where they are not rows with vectors of `dcs` DCs (0: without)
   * within the bounds.
   */
  static parse(bytes: Buffer, dcs = 0, { recordBytesMax, versionMax }: RowBounds = UNBOUNDED): PackedRows {
    const rows = PackedRows.#frame(bytes)
    const view = rows.#view
    const recordBytesMin = RECORD_HEADER_BYTES + 8 * dcs
    let start = rows.#recordsAt
    for (let i = 0; i < rows.count; i++) {
      const end = rows.#recordsAt + rows.#end(i)
      if (end - start < recordBytesMin) throw new MalformedFrame(`the record of row ${i} is too short`)
      if (end > bytes.length) throw new MalformedFrame(`the record of row ${i} ends past its rows`)
      if (end - start > recordBytesMax) throw new MalformedFrame(`the record of row ${i} is too long`)
      const version = view.getFloat64(start + 8, true)
      if (!isIdentity(rows.key(i)) || !isIdentity(view.getFloat64(start, true)) || !isIdentity(version)) {
        throw new MalformedFrame(`the key, dot or version of row ${i} is not a whole number`)
      }
      if (version > versionMax) throw new MalformedFrame(`the version of row ${i} lies in a far future`)
      rows.#checkRecord(i, dcs, start, end)
      start = end
    }
    if (start !== bytes.length) throw new MalformedFrame('bytes follow the last record')
    return rows
  }

  /** Views rows that this process packed or checked before. */
  static trusted(bytes: Buffer): PackedRows {
    return PackedRows.#frame(bytes)
  }

  static #frame(bytes: Buffer): PackedRows {
    if (bytes.length < 4) throw new MalformedFrame('rows without a count')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const count = view.getUint32(0, true)
    if (count * (12 + RECORD_HEADER_BYTES) > bytes.length - 4) {
      throw new MalformedFrame(`${count} rows do not fit into ${bytes.length} bytes`)
    }
    return new PackedRows(bytes, view, count)
  }

  key(row: number): number {
    return this.#view.getFloat64(4 + 8 * row, true)
  }

  dot(row: number): number {
    return this.#view.getFloat64(this.#start(row), true)
  }

  version(row: number): number {
    return this.#view.getFloat64(this.#start(row) + 8, true)
  }

  operation(row: number): number {
    return this.bytes[this.#start(row) + OPERATION_AT] & OPERATION_MASK
  }

  /** Replaces a row's operation, in the bytes themselves. */
  setOperation(row: number, operation: number): void {
    const at = this.#start(row) + OPERATION_AT
    this.bytes[at] = (this.bytes[at] & ~OPERATION_MASK) | operation
  }

  /** Replaces a row's version, in the bytes themselves. */
  setVersion(row: number, version: number): void {
    this.#view.setFloat64(this.#start(row) + 8, version, true)
  }

  record(row: number): Buffer {
    return this.bytes.subarray(this.#start(row), this.#recordsAt + this.#end(row))
  }

  /** Without a view of the record: this is asked of every row that comes. */
  #checkRecord(row: number, dcs: number, start: number, end: number): void {
    const vectorAt = end - 8 * dcs
    const word = this.bytes[start + OPERATION_AT]
    if (word >>> DCS_SHIFT !== dcs) {
      throw new MalformedFrame(`row ${row} has a vector of ${word >>> DCS_SHIFT} DCs where ${dcs} were expected`)
    }
    const operation = word & OPERATION_MASK
    if (operation < OPERATION.upsert || operation > OPERATION.delete) {
      throw new MalformedFrame(`row ${row} has the unknown operation ${operation}`)
    }
    if (operation === OPERATION.delete && vectorAt - start > RECORD_HEADER_BYTES) {
      throw new MalformedFrame(`row ${row} is a delete with content`)
    }
    for (let at = vectorAt; at < end; at += 8) {
      if (!isIdentity(this.#view.getFloat64(at, true))) throw new MalformedFrame(`the vector of row ${row} is none`)
    }
  }

  #end(row: number): number {
    return this.#view.getUint32(this.#endsAt + 4 * row, true)
  }

  #start(row: number): number {
    return this.#recordsAt + (row === 0 ? 0 : this.#end(row - 1))
  }
}

/** Packs a batch behind `room` bytes left free for a header; every row gets an empty vector of `dcs` DCs (0: none). */
export function packBatch(batch: RowBatch, room: number, dcs = 0): Buffer {
  const { count, columns, operations } = batch
  let bytes = 4 + (12 + RECORD_HEADER_BYTES + 8 * dcs) * count
  for (let i = 0; i < count; i++) if (operations[i] !== OPERATION.delete) bytes += encodedLength(columns, i)
  const packed = Buffer.allocUnsafeSlow(room + bytes)
  const view = new DataView(packed.buffer, packed.byteOffset + room, bytes)
  view.setUint32(0, count, true)
  const recordsAt = 4 + 12 * count
  let at = recordsAt
  for (let i = 0; i < count; i++) {
    view.setFloat64(4 + 8 * i, batch.keys[i], true)
    view.setFloat64(at, batch.dots[i], true)
    view.setFloat64(at + 8, batch.versions[i], true)
    view.setUint8(at + OPERATION_AT, operations[i] | (dcs << DCS_SHIFT))
    at += RECORD_HEADER_BYTES
    if (operations[i] !== OPERATION.delete) at = encodeContent(columns, i, packed, room + at) - room
    if (dcs > 0) packed.fill(0, room + at, room + at + 8 * dcs)
    at += 8 * dcs
    view.setUint32(4 + 8 * count + 4 * i, at - recordsAt, true)
  }
  return packed
}

/** Packs rows that are records already. */
export function packRecords(keys: readonly number[], records: readonly Uint8Array[]): Buffer {
  const count = keys.length
  const recordsAt = 4 + 12 * count
  const packed = Buffer.allocUnsafeSlow(records.reduce((sum, record) => sum + record.length, recordsAt))
  packed.writeUInt32LE(count, 0)
  let at = recordsAt
  for (let i = 0; i < count; i++) {
    packed.writeDoubleLE(keys[i], 4 + 8 * i)
    packed.set(records[i], at)
    at += records[i].length
    packed.writeUInt32LE(at - recordsAt, 4 + 8 * count + 4 * i)
  }
  return packed
}

/** The rows but for those whose places are given, packed anew. */
export function withoutRows(rows: PackedRows, dropped: ReadonlySet<number>): PackedRows {
  const kept = Array.from({ length: rows.count }, (_, row) => row).filter((row) => !dropped.has(row))
  return PackedRows.trusted(
    packRecords(
      kept.map((row) => rows.key(row)),
      kept.map((row) => rows.record(row)),
    ),
  )
}

/** Bytes of a stored row with its 9-byte name and texts of middling length, for estimates before a run. */
export function rowBytes(columns: readonly Column[], vectorDcs = 0): number {
  return columns.reduce(
    (sum, column) => sum + (column.type === 'int' ? 4 : 2 + (column.minBytes + column.maxBytes) / 2),
    9 + RECORD_HEADER_BYTES + 8 * vectorDcs,
  )
}
