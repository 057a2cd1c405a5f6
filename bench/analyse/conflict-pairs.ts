// conflicts.csv: the earliest possible pairs of the run, at most 10,000 of them, whatever the partitions.
import { RUN_FILES } from '../contract/run-folder.ts'
import { advance, CERTAINTY, EXACT } from './conflicts.ts'
import type { KeyHistory } from './key-history.ts'
import type { RunData } from './load.ts'
import { formatSeconds } from './numbers.ts'
import type { Partition } from './partition.ts'
import { PHASE } from '../lib/dot.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { createTextFile } from './write-csv.ts'

const PAIRS_KEPT = 10_000

export const CONFLICT_COLUMNS = [
  'key',
  'dc_a',
  'dot_a',
  'version_a',
  'sent_a_s',
  'acked_a_s',
  'dc_b',
  'dot_b',
  'version_b',
  'sent_b_s',
  'acked_b_s',
  'sure',
  'total_possible',
  'exact',
] as const

interface Side {
  readonly dc: number
  readonly dot: number
  readonly version: number
  readonly sentUs: number
  readonly ackedUs: number
}

export interface Pair {
  readonly key: number
  readonly sentUs: number
  readonly a: Side
  readonly b: Side
  readonly sure: boolean
  /** Null where what the writes found is not known. */
  readonly exact: boolean | null
}

/** Keeps the pairs whose first write was sent earliest. */
export class ConflictPairs {
  #kept: Pair[] = []
  /** No pair whose first write was sent later than this can be among the kept. */
  #latestUs = Number.POSITIVE_INFINITY

  /** Offers all possible pairs of the key that the history holds. */
  offer(partition: Partition, history: KeyHistory, key: number, dcCount: number): void {
    const { from } = history
    for (let d = 0; d < dcCount; d++) {
      for (let e = d + 1; e < dcCount; e++) {
        if (from[d] === from[d + 1] || from[e] === from[e + 1]) continue
        const possible = { start: from[e], end: from[e] }
        const sure = { start: from[e], end: from[e] }
        const exact = { start: from[e], end: from[e] }
        let measured = from[e]
        while (measured < from[e + 1] && partition.phase[history.row(measured)] !== PHASE.measure) measured++
        for (let p = from[d]; p < from[d + 1]; p++) {
          advance(history, CERTAINTY.possible, p, d, e, possible)
          advance(history, CERTAINTY.sure, p, d, e, sure)
          if (partition.causes !== null) advance(history, EXACT, p, d, e, exact)
          const row = history.row(p)
          if (partition.phase[row] !== PHASE.measure) continue
          for (let q = Math.max(measured, possible.start); q < possible.end; q++) {
            const firstUs = Math.min(history.sentUs[p], history.sentUs[q])
            // Along e's writes the send only rises: once it is too late for the first of the two, all that follow are.
            if (firstUs > this.#latestUs) break
            const partner = history.row(q)
            if (partition.phase[partner] !== PHASE.measure) continue
            const both = partition.outcome[row] === OUTCOME.ok && partition.outcome[partner] === OUTCOME.ok
            this.#keep({
              key,
              sentUs: firstUs,
              a: sideOf(partition, row),
              b: sideOf(partition, partner),
              sure: both && q >= sure.start && q < sure.end,
              exact: both && isCaused(partition, row, partner) ? q >= exact.start && q < exact.end : null,
            })
          }
        }
      }
    }
  }

  #keep(pair: Pair): void {
    this.#kept.push(pair)
    if (this.#kept.length < PAIRS_KEPT * 2) return
    this.#kept = this.#earliest()
    this.#latestUs = this.#kept[PAIRS_KEPT - 1].sentUs
  }

  #earliest(): Pair[] {
    return this.#kept
      .sort((x, y) => x.sentUs - y.sentUs || x.key - y.key || x.a.dot - y.a.dot || x.b.dot - y.b.dot)
      .slice(0, PAIRS_KEPT)
  }

  /** What is kept: the earliest, in their order. */
  get kept(): readonly Pair[] {
    return this.#earliest()
  }

  /** Takes in what another thread kept. */
  add(pairs: readonly Pair[]): void {
    for (const pair of pairs) this.#keep(pair)
  }

  /** Writes the file; `totalPossible` stands on every line, so that a capped file says what it is a part of. */
  write(run: RunData, totalPossible: number): void {
    using csv = createTextFile(run.folder, RUN_FILES.conflicts)
    csv.write(`${CONFLICT_COLUMNS.join(',')}\n`)
    const side = (s: Side) =>
      `${run.dcs[s.dc]},${s.dot},${s.version},${formatSeconds(s.sentUs)},${formatSeconds(s.ackedUs)}`
    for (const { key, a, b, sure, exact } of this.#earliest()) {
      csv.write(
        `${key},${side(a)},${side(b)},${sure ? 1 : 0},${totalPossible},${exact === null ? '' : Number(exact)}\n`,
      )
    }
    csv.finish()
  }
}

/** Whether both writes said what they found. */
function isCaused({ causes }: Partition, row: number, partner: number): boolean {
  return causes !== null && causes.known[row] === 1 && causes.known[partner] === 1
}

function sideOf(partition: Partition, row: number): Side {
  return {
    dc: partition.dc[row],
    dot: partition.dot[row],
    version: partition.version[row],
    sentUs: partition.sentUs[row],
    ackedUs: partition.ackedUs[row],
  }
}
