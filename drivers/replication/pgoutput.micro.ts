// Decoding what a Postgres server streams: one transaction of updates.
import type { MicroCases } from '../../bench/micro/micro-case.ts'
import {
  beginMessage,
  commitMessage,
  int64,
  relationMessage,
  tuple,
  updateMessage,
  xlogData,
} from './pgoutput.fixture.ts'
import { StreamDecoder } from './pgoutput.ts'

const ROWS = 1000
const RELATION = 16_385
const COLUMNS = [
  { name: 'key', typeNumber: 20 },
  { name: 'dot', typeNumber: 20 },
  { name: 'version', typeNumber: 20 },
  { name: 'note', typeNumber: 25 },
]

export const microCases: MicroCases = () => {
  const note = Buffer.from('x'.repeat(150))
  const messages = [
    xlogData(beginMessage(1000)),
    xlogData(relationMessage(RELATION, COLUMNS)),
    ...Array.from({ length: ROWS }, (_, i) =>
      xlogData(updateMessage(RELATION, tuple([int64(i), int64(i), int64(1000 + i), note]))),
    ),
    xlogData(commitMessage(1048, 777)),
  ]
  let decoded = 0
  const nothing = () => undefined
  const decoder = new StreamDecoder(COLUMNS, {
    begin: nothing,
    row: () => void decoded++,
    commit: nothing,
    keepalive: nothing,
  })
  return [
    {
      name: 'pgoutput decode',
      rows: ROWS,
      run() {
        decoded = 0
        for (const message of messages) decoder.decode(message, 0, message.length)
        if (decoded !== ROWS) throw new Error(`${decoded} of ${ROWS} rows were decoded`)
      },
    },
  ]
}
