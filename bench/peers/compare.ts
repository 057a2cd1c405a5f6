// Runs a comparison: both sides take turns on the same ground, so that what changes there changes for both.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from 'simple-statistics'
import { Guardian } from '../deploy/guardian.ts'
import type { Comparison, Contest, ContestOrder, Sample, Side } from './comparison.ts'
import { PER, rateOf, ratioOf, type Pair, type Per, type Ratio } from './ratio.ts'

/** One line of the result: a comparison, counted one way. */
export interface Result {
  readonly name: string
  readonly what: string
  readonly peer: string
  readonly unit: string
  readonly per: Per
  readonly target: number | null
  /** null where there is no target, or nothing was measured. */
  readonly holds: boolean | null
  /** null where nothing was measured; `missing` then says why. */
  readonly measured: (Ratio & { readonly pairs: readonly Pair[] } & Rates) | null
  readonly missing?: string
}

/** Medians over the pairs, in units per second or CPU-second. */
interface Rates {
  readonly geowriteRate: number
  readonly peerRate: number
}

export interface Turns {
  readonly pairs: number
  /** Pairs before them that do not count: compilers and caches warm up on both sides. */
  readonly warmupPairs: number
  readonly durationMs: number
}

/** Told what is going on: pair 1, 2, … of so many, negative ones warm up. */
type Listener = (pair: number, side: 'geowrite' | 'peer') => void

/** Takes turns, the order turned round from pair to pair, so that a steady change favours neither side. */
export async function takeTurns(
  contest: Contest,
  turns: Turns,
  begins: Listener,
  signal: AbortSignal,
): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let at = -turns.warmupPairs; at < turns.pairs; at++) {
    const one = async (side: 'geowrite' | 'peer'): Promise<Sample> => {
      signal.throwIfAborted()
      begins(at < 0 ? at : at + 1, side)
      const sample = await (contest[side] satisfies Side).turn(turns.durationMs)
      await contest.settle()
      return sample
    }
    const isFirst = at % 2 === 0
    const first = await one(isFirst ? 'geowrite' : 'peer')
    const second = await one(isFirst ? 'peer' : 'geowrite')
    if (at >= 0) pairs.push(isFirst ? { geowrite: first, peer: second } : { geowrite: second, peer: first })
  }
  return pairs
}

/** The lines that pairs give: by second, which the target is about, and by client CPU-second, which is only reported. */
export function resultsOf(comparison: Comparison, pairs: readonly Pair[]): Result[] {
  const { name, what, peer, unit } = comparison
  return PER.map((per): Result => {
    const ratio = ratioOf(pairs, per)
    const target = per === 'second' ? comparison.target : null
    const own = { name, what, peer, unit, per, target }
    if (Number.isNaN(ratio.ratio)) {
      return { ...own, holds: null, measured: null, missing: `per ${per}: what one side has used is not known` }
    }
    const rates = (side: 'geowrite' | 'peer') => median(pairs.map((pair) => rateOf(pair[side], per)))
    return {
      ...own,
      holds: target === null ? null : ratio.ratio >= target,
      measured: { ...ratio, pairs, geowriteRate: rates('geowrite'), peerRate: rates('peer') },
    }
  })
}

/** Runs one comparison from deploying to the end; one that lacks something is a line that says so. */
export async function compare(
  comparison: Comparison,
  turns: Turns,
  where: Omit<ContestOrder, 'folder' | 'guardian'>,
): Promise<readonly Result[]> {
  const { name, what, peer, unit, target } = comparison
  const missing = await comparison.missing(where.registry)
  if (missing !== undefined) {
    return [{ name, what, peer, unit, target, missing, per: 'second', holds: null, measured: null }]
  }
  return inFolderOfItsOwn(where, async (order, cleanup) => {
    const contest = await comparison.open(order, cleanup)
    const begins: Listener = (pair, side) => {
      const which = pair < 0 ? `warming up, ${-pair} to go` : `pair ${pair} of ${turns.pairs}`
      where.progress.step(`${name}: ${which}: ${side === 'peer' ? peer : 'geowrite'}`)
    }
    return resultsOf(comparison, await takeTurns(contest, turns, begins, where.signal))
  })
}

/** Gives a folder that is removed afterwards, or when the harness is killed, and ends what `cleanup` was given before. */
export async function inFolderOfItsOwn<R>(
  where: Omit<ContestOrder, 'folder' | 'guardian'>,
  work: (order: ContestOrder, cleanup: AsyncDisposableStack) => Promise<R>,
): Promise<R> {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(where.place.data ?? tmpdir(), 'geowrite-peers-'))
  const guardian = cleanup.use(new Guardian(folder))
  return await work({ ...where, folder, guardian }, cleanup)
}
