// A process that commits to a LevelDB folder until it is killed, and says how far it is: `opened <head>`, then a head a commit.
import { writeSync } from 'node:fs'
import { randomStream } from '../../bench/lib/random.ts'
import { packRecords } from '../replication/node/packed-rows.ts'
import { LevelEngine } from './level-engine.ts'
import { DEFAULTS } from './level-folder.fixture.ts'

const [folder, seed] = process.argv.slice(2)
// Small, so that logs, tables and the MANIFEST are written all the time.
const settings = { ...DEFAULTS, writeBufferBytes: 1 << 16, tableFileBytes: 1 << 20, recentRows: 1024 }
const random = randomStream(Number(seed))
const engine = new LevelEngine(folder, settings, false, {
  log: (line) => process.stderr.write(`${line}\n`),
  failed: (failure) => {
    throw failure
  },
})
let { head } = await engine.open()
writeSync(1, `opened ${head}\n`)
for (;;) {
  head++
  const record = Buffer.alloc(17 + (random.uint32() % 20_000), head & 255)
  record.writeDoubleLE(16 * head, 8)
  engine.put(head, 16 * head, 16 * head + 1, record)
  engine.append(head, packRecords([head], [record]))
  engine.setApplied(1, { logId: 1, position: head })
  await engine.commit(head, 16 * head)
  writeSync(1, `${head}\n`)
}
