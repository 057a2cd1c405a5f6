// The truth of a causal world by brute force: every pair is looked at, and every final row followed back.
import { OUTCOME } from '../contract/outcome.ts'
import type { CausalWorld } from './causal-world.fixture.ts'

/** Conflicts among acknowledged writes, or, with `unknown`, among all that happened; writes are counted where acknowledged. */
export interface Truth {
  readonly pairs: number
  /** "i j" of each pair, the write of the lower DC first. */
  readonly names: ReadonlySet<string>
  readonly inConflict: number
  readonly keys: number
  readonly discarded: number
}

export function trueConflicts(world: CausalWorld, unknown = false): Truth {
  const { writes, past } = world
  const counts = (i: number) => writes[i].stored && (unknown || writes[i].outcome === OUTCOME.ok)
  const inConflict = new Set<number>()
  const discarded = new Set<number>()
  const keys = new Set<number>()
  const names = new Set<string>()
  for (const i of writes.keys()) {
    for (let j = i + 1; j < writes.length; j++) {
      const [a, b] = [writes[i], writes[j]]
      if (a.key !== b.key || a.dc === b.dc || !counts(i) || !counts(j)) continue
      if (past[i].has(j) || past[j].has(i)) continue
      names.add(a.dc < b.dc ? `${i} ${j}` : `${j} ${i}`)
      keys.add(a.key)
      inConflict.add(i).add(j)
      discarded.add((a.version ?? 0) < (b.version ?? 0) ? i : j)
    }
  }
  const acknowledged = (set: Set<number>) => [...set].filter((i) => writes[i].outcome === OUTCOME.ok).length
  return {
    pairs: names.size,
    names,
    inConflict: acknowledged(inConflict),
    keys: keys.size,
    discarded: acknowledged(discarded),
  }
}

/** Acknowledged writes that no DC's final row descends from; whether a write without an outcome is on the way back. */
export function trueLosses({ writes, finals, replaced }: CausalWorld): {
  readonly lost: number
  readonly clear: boolean
} {
  const kept = new Set<number>()
  let clear = true
  for (const { write = -1 } of finals) {
    for (let i = write; i >= 0; i = replaced[i]) {
      kept.add(i)
      if (writes[i].outcome !== OUTCOME.ok) clear = false
    }
  }
  const lost = writes.filter(({ outcome, stored }, i) => stored && outcome === OUTCOME.ok && !kept.has(i)).length
  return { lost, clear }
}
