// Rows copied into Postgres against psql, which copies the same rows from a file that lies in the page cache, in one transaction.
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import { HybridClock } from '../lib/dot.ts'
import type { Comparison, ContestOrder, Side } from './comparison.ts'
import { Deployed, missingFor, type SystemOptions } from './deployed.ts'
import { emptiedBetweenTurns } from './postgres-emptied.ts'
import { libpqEnvironment, loginTo, messagesBy, programAt, programMissing, tableOf } from './postgres-ground.ts'
import { COPY_HEADER, COPY_TRAILER, makeRows, tuplesOf } from './postgres-rows.ts'
import { copyFrom } from './postgres-statements.ts'
import { ProgramRunner } from './programs.ts'

/** Rows of psql's file for each millisecond of a turn: about as many as it then takes. */
const ROWS_PER_MS = 120

function writeFile(path: string, deployed: Deployed, rows: number): void {
  const { workload, workloadOptions, seed, dcCount, system } = deployed
  const { batchRows } = system
  const made = makeRows(workload.workload, { options: workloadOptions, seed, dcCount }, rows, batchRows)
  const version = new HybridClock(0, () => Date.now() * 1000).next()
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, COPY_HEADER)
    for (let row = 0; row < rows; row += batchRows) {
      writeSync(file, tuplesOf(made, row, Math.min(rows, row + batchRows), version))
    }
    writeSync(file, COPY_TRAILER)
  } finally {
    closeSync(file)
  }
}

/** psql's own word of how long its \copy took: starting and logging in are not counted. */
export function secondsOf(text: string, rows: number): number {
  const [, copied] = /^COPY (\d+)$/m.exec(text) ?? []
  const [, ms] = /^Time: ([\d.]+) ms/m.exec(text) ?? []
  if (Number(copied) === rows && Number(ms) > 0) return Number(ms) / 1000
  throw new BenchError('STORE', `psql did not copy all rows: ${text.trim().split('\n').at(-1) ?? 'it said nothing'}.`)
}

function psqlSide(deployed: Deployed, order: ContestOrder): Side {
  const runner = new ProgramRunner(order, deployed.signal)
  const env = libpqEnvironment(loginTo(deployed), order.folder)
  const path = join(order.folder, 'rows.copy')
  let rows = 0
  return {
    async turn(durationMs) {
      const wanted = Math.ceil(durationMs * ROWS_PER_MS)
      if (rows !== wanted) writeFile(path, deployed, (rows = wanted))
      const copy = `\\copy ${copyFrom(tableOf(deployed), `'${path}'`)}`
      const args = ['--no-psqlrc', '--set=ON_ERROR_STOP=1', '--command=\\timing on', `--command=${copy}`]
      const { text, cpuSeconds } = await runner.run('psql', { program: programAt('psql'), args, env })
      return { amount: rows, seconds: secondsOf(text, rows), cpuSeconds }
    },
  }
}

/** The comparison, for a system that copies. */
export function copyAgainstPsql(
  own: Pick<Comparison, 'name' | 'what' | 'peer' | 'target'>,
  options: SystemOptions,
): Comparison {
  return {
    ...own,
    unit: 'rows',
    missing: async (registry) => programMissing('psql') ?? (await missingFor(options, registry)),
    async open(order, cleanup) {
      const deployed = await Deployed.open(options, order, cleanup)
      const settle = await emptiedBetweenTurns(deployed, cleanup)
      return { geowrite: deployed.side, peer: psqlSide(deployed, order), settle }
    },
  }
}

export const postgresCopyPsql = copyAgainstPsql(
  { name: 'postgres-copy-psql', what: 'Postgres, binary COPY', peer: 'psql \\copy, one transaction', target: 0.95 },
  messagesBy('copy'),
)
