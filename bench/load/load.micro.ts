// Hot paths of the generator: intended times, and batches.
import { OPERATION } from '../contract/table.ts'
import { ContentMaker } from '../lib/content.ts'
import { packDot } from '../lib/dot.ts'
import { hashNumber } from '../lib/random.ts'
import type { MicroCases } from '../micro/micro-case.ts'
import { BatchBuffers } from './batch.ts'
import { schedule } from './schedule.ts'

const ROWS = 4096
const BATCH_ROWS = 500
const COLUMNS = [{ name: 'bio', type: 'text', minBytes: 100, maxBytes: 200 }] as const

export const microCases: MicroCases = () => {
  const offsetsUs = new Float64Array(ROWS)
  const poisson = schedule({ arrivals: 'poisson', rowsPerSecond: 50_000, seed: 1, dcIndex: 0, dcCount: 2, phase: 3 })
  const batch = new BatchBuffers(BATCH_ROWS, new ContentMaker(COLUMNS, 1))
  let sequence = 0
  return [
    { name: 'schedule', rows: ROWS, run: () => poisson(ROWS, offsetsUs) },
    {
      name: 'batch encode',
      rows: BATCH_ROWS,
      run() {
        for (let i = 0; i < BATCH_ROWS; i++) {
          batch.keys[i] = hashNumber(sequence + i, 3) % 1_000_000
          batch.operations[i] = OPERATION.upsert
        }
        batch.arrived = BATCH_ROWS
        batch.build(packDot(0, 1, sequence + 1))
        batch.stamp(1000 + sequence)
        sequence += BATCH_ROWS
      },
    },
  ]
}
