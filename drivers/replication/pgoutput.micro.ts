// Decoding what a Postgres server streams: one transaction of updates, in one chunk.
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
  const chunk = Buffer.concat(messages)
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
        let at = 0
        for (const { length } of messages) decoder.decode(chunk, at, (at += length))
        if (decoded !== ROWS) throw new Error(`${decoded} of ${ROWS} rows were decoded`)
      },
    },
  ]
}
