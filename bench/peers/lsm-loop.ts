// The bare loop over `classic-level`: rows and log entries made beforehand, one process, one batch after another.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Workload } from '../contract/workload.ts'
import { encodeContent, encodedLength } from '../lib/content.ts'
import { nowUs } from '../lib/clock.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import type { LsmLoopOrder } from './lsm-bare.ts'
import { BATCH_ROWS } from './lsm-ground.ts'
import { makeRows } from './made-rows.ts'
import { servePeer } from './serve-peer.ts'

/** As many bytes as a node's: dot, version, operation before the content; a letter and a number for a name. */
const HEADER_BYTES = 17
const NAME_BYTES = 9
const STATE_BYTES = 24
const PREPARED_ROWS = 500_000

interface PreparedBatch {
  readonly names: readonly Buffer[]
  readonly records: readonly Buffer[]
  /** The records again in one piece, with 12 bytes a row before them. */
  readonly entry: Buffer
}

function nameOf(letter: string, number: number): Buffer {
  const name = Buffer.alloc(NAME_BYTES, letter)
  name.writeBigUInt64BE(BigInt(number), 1)
  return name
}

function prepare(workload: Workload, order: LsmLoopOrder): PreparedBatch[] {
  const { keys, dots, columns } = makeRows(workload, order.rows, PREPARED_ROWS, BATCH_ROWS)
  const batches: PreparedBatch[] = []
  for (let first = 0; first < PREPARED_ROWS; first += BATCH_ROWS) {
    const rows = Array.from({ length: BATCH_ROWS }, (_, i) => first + i)
    const records = rows.map((row) => {
      const record = Buffer.alloc(HEADER_BYTES + encodedLength(columns, row))
      record.writeDoubleLE(dots[row], 0)
      encodeContent(columns, row, record, HEADER_BYTES)
      return record
    })
    const entry = Buffer.concat([Buffer.alloc(4 + 12 * BATCH_ROWS), ...records])
    batches.push({ names: rows.map((row) => nameOf('r', keys[row])), records, entry })
  }
  return batches
}

servePeer<LsmLoopOrder>(async (order) => {
  const batches = prepare(await loadWorkload(order.workload), order)
  const level = new ClassicLevel<Buffer, Buffer>(join(order.folder, 'bare'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: order.settings['compression'] === 'true',
    writeBufferSize: Number(order.settings['write_buffer_bytes']),
    cacheSize: Number(order.settings['block_cache_bytes']),
    maxFileSize: Number(order.settings['table_file_bytes']),
  })
  await level.open()
  const state = Buffer.alloc(STATE_BYTES)
  let written = 0
  const writeNext = async (logs: boolean): Promise<void> => {
    const { names, records, entry } = batches[(written / BATCH_ROWS) % batches.length]
    const batch = level.batch()
    for (let i = 0; i < BATCH_ROWS; i++) batch.put(names[i], records[i])
    written += BATCH_ROWS
    if (logs) batch.put(nameOf('l', written), entry)
    batch.put(nameOf('m', 0), state)
    await batch.write({ sync: order.settings['sync'] === 'true' })
  }
  // The table, as the nodes loaded theirs.
  while (written < order.rows.options.rows) await writeNext(false)
  return async (endUs) => {
    const before = written
    while (nowUs() < endUs) await writeNext(order.logs)
    return written - before
  }
})
