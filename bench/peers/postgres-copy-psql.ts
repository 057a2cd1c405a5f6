// Rows copied into Postgres against psql, which copies the same rows in transactions of the same size from files in the page cache.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import { HybridClock } from '../lib/dot.ts'
import type { Comparison, ContestOrder, Side } from './comparison.ts'
import { Deployed, missingFor } from './deployed.ts'
import { emptiedBetweenTurns } from './postgres-emptied.ts'
import { howToGet, libpqEnvironment, loginTo, messagesBy, tableOf } from './postgres-ground.ts'
import { makeRows } from './made-rows.ts'
import { COPY_HEADER, COPY_TRAILER, tuplesOf } from './postgres-rows.ts'
import { copyFrom } from './postgres-statements.ts'
import { missingProgram, programAt, ProgramRunner } from './programs.ts'

/** Rows that psql copies for each millisecond of a turn: about as many as it then takes. */
const ROWS_PER_MS = 60
const OPTIONS = messagesBy('copy')

/** A file a transaction, and the script that copies them one after another. */
function writeFiles(folder: string, deployed: Deployed, transactions: number): string {
  const { workload, rows, system } = deployed
  const { batchRows } = system
  const made = makeRows(workload.workload, rows, transactions * batchRows, batchRows)
  const version = new HybridClock(0, () => Date.now() * 1000).next()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const lines = ['\\timing on']
  for (let i = 0; i < transactions; i++) {
    const path = join(folder, `${i}.copy`)
    const tuples = tuplesOf(made, i * batchRows, (i + 1) * batchRows, version)
    writeFileSync(path, Buffer.concat([COPY_HEADER, tuples, COPY_TRAILER]))
    lines.push(`\\copy ${copyFrom(tableOf(deployed), `'${path}'`)}`)
  }
  const script = join(folder, 'copy.sql')
  writeFileSync(script, `${lines.join('\n')}\n`)
  return script
}

/** psql's own word of how long its copying took, without starting, logging in, and what it does between two copies. */
export function secondsOf(text: string, rows: number): number {
  const sumOf = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0)
  const [copied, ms] = [sumOf(/^COPY (\d+)$/gm), sumOf(/^Time: ([\d.]+) ms/gm)]
  if (copied === rows && ms > 0) return ms / 1000
  throw new BenchError('STORE', `psql did not copy all rows: ${text.trim().split('\n').at(-1) ?? 'it said nothing'}.`)
}

function psqlSide(deployed: Deployed, order: ContestOrder): Side {
  const { batchRows } = deployed.system
  const runner = new ProgramRunner(order, deployed.signal)
  const env = libpqEnvironment(loginTo(deployed), order.folder)
  let transactions = 0
  let script = ''
  return {
    async turn(durationMs) {
      const wanted = Math.ceil((durationMs * ROWS_PER_MS) / batchRows)
      if (transactions !== wanted) script = writeFiles(join(order.folder, 'copy'), deployed, (transactions = wanted))
      const args = ['--no-psqlrc', '--set=ON_ERROR_STOP=1', `--file=${script}`]
      const { text, cpuSeconds } = await runner.run('psql', { program: programAt('psql', howToGet('psql')), args, env })
      const rows = transactions * batchRows
      return { amount: rows, seconds: secondsOf(text, rows), cpuSeconds }
    },
  }
}

export const postgresCopyPsql: Comparison = {
  name: 'postgres-copy-psql',
  what: 'Postgres, binary COPY of 500 rows a transaction',
  peer: 'psql \\copy of 500 rows a transaction',
  unit: 'rows',
  target: 0.95,
  missing: async (registry) => missingProgram('psql', howToGet('psql')) ?? (await missingFor(OPTIONS, registry)),
  async open(order, cleanup) {
    const deployed = await Deployed.open(OPTIONS, order, cleanup)
    const settle = await emptiedBetweenTurns(deployed, cleanup)
    return { geowrite: deployed.side, peer: psqlSide(deployed, order), settle }
  },
}
