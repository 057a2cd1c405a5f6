// For tests: pgoutput messages put together from the protocol's documentation ("Logical Replication Message Formats").

/** The table of most messages, as its Relation message names it. */
export const RELATION = 16_385
export const COLUMNS = [
  { name: 'key', type: 'int8', typeNumber: 20 },
  { name: 'dot', type: 'int8', typeNumber: 20 },
  { name: 'version', type: 'int8', typeNumber: 20 },
  { name: 'note', type: 'text', typeNumber: 25 },
] as const

const letter = (text: string): Buffer => Buffer.from(text, 'latin1')

export const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const int64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

/** XLogData: the start and end of the log data, the server's clock, the message. */
export const xlogData = (message: Buffer): Buffer => Buffer.concat([letter('w'), int64(1), int64(2), int64(3), message])

export const keepaliveMessage = (endLsn: number, replyAsked: boolean): Buffer =>
  Buffer.concat([letter('k'), int64(endLsn), int64(0), Buffer.from([replyAsked ? 1 : 0])])

export const beginMessage = (commitLsn: number): Buffer =>
  Buffer.concat([letter('B'), int64(commitLsn), int64(0), int32(7)])

/** The end of the transaction whose commit record stands 48 bytes before `endLsn`. */
export const commitMessage = (endLsn: number, atUs: number): Buffer =>
  Buffer.concat([letter('C'), Buffer.from([0]), int64(endLsn - 48), int64(endLsn), int64(atUs)])

export const relationMessage = (id: number, columns: readonly { name: string; typeNumber: number }[]): Buffer =>
  Buffer.concat([
    letter('R'),
    int32(id),
    text('public'),
    text('profiles'),
    letter('d'),
    int16(columns.length),
    ...columns.map(({ name, typeNumber }) =>
      Buffer.concat([Buffer.from([1]), text(name), int32(typeNumber), int32(-1)]),
    ),
  ])

/** A tuple of binary columns; null stands for a null column. */
export const tuple = (columns: readonly (Buffer | null)[]): Buffer =>
  Buffer.concat([
    int16(columns.length),
    ...columns.map((column) =>
      column === null ? letter('n') : Buffer.concat([letter('b'), int32(column.length), column]),
    ),
  ])

export const insertMessage = (id: number, row: Buffer): Buffer =>
  Buffer.concat([letter('I'), int32(id), letter('N'), row])

/** An update; `former` is the replaced tuple with its marker K (key) or O (whole). */
export const updateMessage = (id: number, row: Buffer, former?: { marker: 'K' | 'O'; row: Buffer }): Buffer =>
  Buffer.concat([
    letter('U'),
    int32(id),
    ...(former === undefined ? [] : [letter(former.marker), former.row]),
    letter('N'),
    row,
  ])

export const deleteMessage = (id: number, key: Buffer): Buffer =>
  Buffer.concat([letter('D'), int32(id), letter('K'), key])

export const originMessage = (name: string): Buffer => Buffer.concat([letter('O'), int64(9), text(name)])
