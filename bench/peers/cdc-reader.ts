// The change reader of `cdc` alone: rows decoded a second from a backlog in the log of a source, without any that applies them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../contract/errors.ts'
import type { Gauge } from './comparison.ts'
import { Replicated, replicatedBy } from './cdc-ground.ts'
import { missingFor } from './deployed.ts'
import { SQL_PORT } from './postgres-ground.ts'
import { ProgramRunner } from './programs.ts'

/** The backlog is made once and read again by each measurement: this long at the rate that is asked for. */
const BACKLOG_MS = 8000
const CONFIG_FILE = 'reader.json'

/** What the reader says of itself. */
interface ReaderWord {
  readonly rows: number
  readonly seconds: number
}

export const cdcReader: Gauge = {
  name: 'cdc-reader',
  what: 'Postgres, change reader of cdc alone, on updates of profiles',
  unit: 'rows a second',
  target: { bound: 400_000, is: 'least' },
  missing: (registry) => missingFor(replicatedBy('cdc'), registry),
  async open(order, cleanup) {
    const ground = await Replicated.open('cdc', order, cleanup)
    const { deployed } = ground
    const { plan, dc, ports, signal } = deployed
    await deployed.endReplication()
    const writer = await ground.backlogWriter(cleanup)
    const { amount: rows } = await writer.turn(BACKLOG_MS)
    await ground.checkpoint()
    const path = join(order.folder, CONFIG_FILE)
    const receiver = plan.dcs[1].name
    writeFileSync(path, JSON.stringify({ plan, address: ports[SQL_PORT], receiver, rows }), { mode: 0o600 })
    const program = fileURLToPath(new URL('./reader-alone.ts', deployed.system.entry.module))
    const runner = new ProgramRunner(order, signal)
    return async () => {
      const { text } = await runner.run('reader', { program: 'node', args: [program, path] })
      const word = JSON.parse(text) as ReaderWord
      if (word.rows === rows) return word.rows / word.seconds
      throw new BenchError('STORE', `The change reader of ${dc} read ${word.rows} rows, and ${rows} were written.`)
    }
  },
}
