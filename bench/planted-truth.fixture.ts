// What a run's ledger says of its writes, for tests that work out by themselves what must be found.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FILES, type RunFacts } from './contract/run-folder.ts'
import { OUTCOME } from './contract/outcome.ts'
import { readBlocks } from './lib/column-file.ts'
import { dotDc } from './lib/dot.ts'
import { PROBES, PROBE_STATE, WRITES, WRITE_FLAG } from './lib/ledger-format.ts'

/** Times are µs since the run's epoch. */
export interface LedgerWrite {
  readonly key: number
  readonly dot: number
  readonly version: number
  readonly dcIndex: number
  readonly sentUs: number
  readonly ackedUs: number
  readonly outcome: number
  readonly operation: number
}

/** Every write of a run but for those that a later one of their own batch replaced, in the order of their DC’s log: rows of one batch have one version. */
export function writesOf(folder: string): LedgerWrite[] {
  const writes: LedgerWrite[] = []
  const ledger = join(folder, RUN_FILES.ledger)
  for (const name of readdirSync(ledger).filter((file) => file.startsWith('writes-'))) {
    for (const block of readBlocks(WRITES, join(ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.dot[i] === 0 || (block.flags[i] & WRITE_FLAG.coalesced) !== 0) continue
        const sentUs = block.intendedUs[i] + block.sentAfterUs[i]
        const [key, dot, version, outcome] = [block.key[i], block.dot[i], block.version[i], block.outcome[i]]
        const ackedUs = sentUs + block.ackedAfterUs[i]
        const operation = block.operation[i]
        writes.push({ key, dot, version, dcIndex: dotDc(dot), sentUs, ackedUs, outcome, operation })
      }
    }
  }
  return writes.toSorted((a, b) => a.dcIndex - b.dcIndex || a.version - b.version || a.key - b.key)
}

/** Clean probes by dot: when the last read that missed the write was sent (NaN: none did), and the first that showed it returned. */
export function hitsOf(folder: string): Map<number, { readonly missSentUs: number; readonly hitReturnedUs: number }> {
  const hits = new Map<number, { missSentUs: number; hitReturnedUs: number }>()
  const ledger = join(folder, RUN_FILES.ledger)
  for (const name of readdirSync(ledger).filter((file) => file.startsWith('probes-'))) {
    for (const block of readBlocks(PROBES, join(ledger, name))) {
      for (let i = 0; i < block.rows; i++) {
        if (block.state[i] !== PROBE_STATE.hit) continue
        hits.set(block.dot[i], { missSentUs: block.missSentUs[i], hitReturnedUs: block.hitReturnedUs[i] })
      }
    }
  }
  return hits
}

/** The newest acknowledged write of every key of which no newer unknown one keeps anything from being said. */
export function newestByKey(writes: readonly LedgerWrite[]): LedgerWrite[] {
  const possible = writes.filter(({ outcome }) => outcome !== OUTCOME.fail)
  return [...Map.groupBy(possible, ({ key }) => key).values()].flatMap((ofKey) => {
    const newest = ofKey.reduce((a, b) => (b.version > a.version ? b : a))
    return newest.outcome === OUTCOME.ok ? [newest] : []
  })
}

export function factsOf(folder: string): RunFacts {
  return JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts
}
