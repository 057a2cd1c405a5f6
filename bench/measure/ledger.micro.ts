// The ledger's way to the disk, the opening and closing of its file included.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MicroCases } from '../micro/micro-case.ts'
import { LedgerWriter } from './ledger.ts'

const BATCH_ROWS = 500
const BATCHES = 200

export const microCases: MicroCases = (folder) => [
  {
    name: 'ledger append',
    rows: BATCH_ROWS * BATCHES,
    async run() {
      const path = join(folder, 'ledger')
      const ledger = await LedgerWriter.create(path)
      for (let batch = 0; batch < BATCHES; batch++) {
        const rows = ledger.reserve(BATCH_ROWS)
        for (let i = 0; i < BATCH_ROWS; i++) {
          rows.columns.key[rows.start + i] = i
          rows.columns.dot[rows.start + i] = batch * BATCH_ROWS + i
        }
        ledger.settle(rows)
      }
      await ledger.close()
      rmSync(path)
    },
  },
]
