// A ledger above the limit is dropped once it has been analysed: `report` then answers from the figures that were kept.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FILES, type RunFacts } from '../contract/run-folder.ts'

function ledgerBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

/** Drops the ledgers of a bench folder that are larger than `limitBytes`; returns the runs that lost theirs. */
export function dropLargeLedgers(benchFolder: string, limitBytes: number): string[] {
  const runs = join(benchFolder, 'runs')
  return readdirSync(runs).filter((name) => {
    const ledger = join(runs, name, RUN_FILES.ledger)
    if (ledgerBytes(ledger) <= limitBytes) return false
    const path = join(runs, name, RUN_FILES.run)
    const facts = JSON.parse(readFileSync(path, 'utf8')) as RunFacts
    // Said before it is done: a folder without its ledger must never claim to have one.
    writeFileSync(path, `${JSON.stringify({ ...facts, ledgerDropped: true }, undefined, 2)}\n`)
    rmSync(ledger, { recursive: true })
    return true
  })
}
