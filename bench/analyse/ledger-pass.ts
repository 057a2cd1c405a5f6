// One thread's share of an analysis: first it deals chunks of the ledger and counts their traffic, then it walks parts.
import type { WritesBlock } from '../lib/ledger-format.ts'
import { takeChunk, takePart, type DealPlan } from './deal-plan.ts'
import { Dealer } from './dealer.ts'
import { KeyWalk, type WalkedParts } from './key-walk.ts'
import { PartReader } from './ledger-part.ts'
import { checkTimes } from './ledger-rows.ts'
import type { RunData } from './load.ts'
import { ProbeJoin, type ProbesToJoin } from './probed-writes.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { sliceMeasured } from './slices.ts'
import { TrafficCount, type TrafficPart } from './traffic-count.ts'
import type { EvidenceState } from './visibility.ts'

/** What every thread of an analysis works on. */
export interface LedgerOrder {
  readonly run: RunData
  readonly plan: DealPlan
  readonly probes: ProbesToJoin
}

/** What it takes to walk parts, once all chunks are dealt. */
export interface WalkOrder {
  readonly evidence: EvidenceState
  readonly largestFirst: Uint32Array
  /** Whether this thread begins with the largest parts; one does. */
  readonly takesLargest: boolean
}

export class LedgerPass implements Disposable {
  readonly #run: RunData
  readonly #plan: DealPlan
  readonly #scratch: Scratch

  constructor({ run, plan }: Pick<LedgerOrder, 'run' | 'plan'>) {
    this.#run = run
    this.#plan = plan
    const { scratchPath, chunks } = plan
    this.#scratch = openScratch(
      scratchPath,
      chunks.reduce((sum, { bytesMax }) => sum + bytesMax, 0),
    )
  }

  /** Reads chunks until none is left. `probes` are not kept: their table is large. */
  read(probes: ProbesToJoin): TrafficPart {
    const plan = this.#plan
    const traffic = new TrafficCount(this.#run, sliceMeasured(this.#run.measure))
    const join = new ProbeJoin(probes)
    const dealer = new Dealer(plan, this.#scratch)
    for (let index = takeChunk(plan); index >= 0; index = takeChunk(plan)) {
      const chunk = plan.chunks[index]
      const blocks = dealer.read(chunk)
      if (chunk.kind === 'writes') {
        for (const block of blocks as unknown as WritesBlock[]) {
          checkTimes(chunk.path, block.intendedUs)
          traffic.addBlock(chunk.dcIndex, block)
          join.addBlock(block)
        }
      }
      dealer.deal(index, blocks)
    }
    return traffic.part()
  }

  /** Walks parts until none is left. */
  walk({ evidence, largestFirst, takesLargest }: WalkOrder): WalkedParts {
    const plan = this.#plan
    const walk = new KeyWalk(this.#run, evidence)
    const reader = new PartReader(plan, this.#scratch)
    const next = () => takePart(plan, largestFirst, takesLargest)
    for (let part = next(); part >= 0; part = next()) walk.walk(reader.part(part))
    return walk.found()
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]()
  }
}
