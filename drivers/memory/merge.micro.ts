// The nodes' wire format, and last-writer-wins of a peer's rows against those that are there.
import { OPERATION, type RowBatch } from '../../bench/contract/table.ts'
import { ContentMaker } from '../../bench/lib/content.ts'
import { packDot } from '../../bench/lib/dot.ts'
import type { MicroCases } from '../../bench/micro/micro-case.ts'
import { PackedRows, packBatch } from '../replication/node/packed-rows.ts'
import { Store } from '../replication/node/store.ts'
import { MemoryEngine } from './memory-engine.ts'

const ROWS = 500
const COLUMNS = [{ name: 'bio', type: 'text', minBytes: 100, maxBytes: 200 }] as const

function batchOf(version: number): RowBatch {
  const content = new ContentMaker(COLUMNS, 1)
  const columns = content.allocate(ROWS)
  for (let i = 0; i < ROWS; i++) content.fill(columns, i, packDot(1, 1, i + 1))
  return {
    count: ROWS,
    keys: Float64Array.from({ length: ROWS }, (_, i) => i * 7),
    dots: Float64Array.from({ length: ROWS }, (_, i) => packDot(1, 1, i + 1)),
    versions: new Float64Array(ROWS).fill(version),
    operations: new Uint8Array(ROWS).fill(OPERATION.upsert),
    columns,
    atomic: false,
  }
}

export const microCases: MicroCases = async () => {
  const engine = new MemoryEngine({})
  const identity = { dcIndex: 0, peers: [1], vectorDcs: 0, columns: COLUMNS }
  const store = new Store(engine, await engine.open(), identity, undefined, (error) => {
    throw error
  })
  const batch = batchOf(1)
  const packed = packBatch(batch, 0)
  const rows = PackedRows.parse(packed)
  let version = 1
  let position = 0
  return [
    { name: 'wire encode', rows: ROWS, run: () => void packBatch(batch, 0) },
    { name: 'wire decode', rows: ROWS, run: () => void PackedRows.parse(packed) },
    {
      name: 'LWW merge',
      rows: ROWS,
      async run() {
        // Every second row is newer than what is there, the others are beaten.
        version++
        for (let i = 0; i < ROWS; i++) rows.setVersion(i, i % 2 === 0 ? version : 1)
        position += ROWS
        await new Promise<void>((resolve) => {
          void store.apply(1, 1, { position, payload: packed }, resolve)
        })
      },
    },
  ]
}
