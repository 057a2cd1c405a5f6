// A small world whose truth is known: writes with commits, arrivals and reads, and an oracle that counts all pairs by them.
// It shares nothing with the analysis: every pair is looked at, by the true times.
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { randomStream } from '../lib/random.ts'
import type { PlantedProbe, PlantedWrite } from './planted.fixture.ts'

export interface World {
  readonly writes: readonly (PlantedWrite & {
    readonly commitMs: number
    readonly ackedMs: number
    readonly version: number
  })[]
  /** By write: when it arrived in the other DC. */
  readonly arrivedMs: readonly number[]
  readonly probes: readonly PlantedProbe[]
}

export interface WorldPlan {
  readonly seed: number
  readonly writes: number
  readonly keys: number
  readonly lengthMs: number
  readonly lagMs: readonly [least: number, most: number]
  readonly serviceMs: number
  /** Rows arrive in the order of their commits. */
  readonly ordered: boolean
  /** Reads show a vector that contains all that arrived; else only the row with the highest version. */
  readonly vectors: boolean
  /** Every how many-th write is probed. */
  readonly probeEvery: number
  readonly readGapMs: number
}

/** A world of no particular kind. */
export const USUAL_WORLD: WorldPlan = {
  seed: 11,
  writes: 1200,
  keys: 60,
  lengthMs: 10_000,
  lagMs: [40, 60],
  serviceMs: 4,
  ordered: false,
  vectors: false,
  probeEvery: 5,
  readGapMs: 3,
}

/** Two DCs that write the same keys at random times. */
export function makeWorld(plan: WorldPlan): World {
  const random = randomStream(plan.seed, 1)
  const between = (least: number, most: number) => least + random.unit() * (most - least)
  const sent = Array.from({ length: plan.writes }, () => ({
    dc: random.uint32() % 2,
    key: random.uint32() % plan.keys,
    sentMs: between(10, plan.lengthMs - 100),
  })).sort((a, b) => a.sentMs - b.sentMs)
  // The last write of each DC, to a key of its own: on an ordered link its arrival bounds all before it.
  for (const dc of [0, 1]) sent.push({ dc, key: plan.keys + dc, sentMs: plan.lengthMs - 50 })
  const last = new Map<string, number>()
  const writes = sent.map(({ dc, key, sentMs }) => {
    const before = last.get(`${dc} ${key}`) ?? 0
    const commitMs = Math.max(before + 0.02, sentMs + random.unit() * plan.serviceMs)
    last.set(`${dc} ${key}`, commitMs)
    const ackedMs = commitMs + random.unit() * plan.serviceMs
    return { dc, key, sentMs, commitMs, ackedMs, version: Math.floor((1e9 + commitMs * 1000) / 16) * 16 + dc }
  })
  const arrivedMs = writes.map(({ commitMs }) => commitMs + between(...plan.lagMs))
  if (plan.ordered) {
    for (const dc of [0, 1]) {
      const order = [...writes.keys()].filter((i) => writes[i].dc === dc)
      order.sort((a, b) => writes[a].commitMs - writes[b].commitMs)
      for (let i = 1; i < order.length; i++) {
        arrivedMs[order[i]] = Math.max(arrivedMs[order[i]], arrivedMs[order[i - 1]] + 0.001)
      }
    }
  }
  const world = { writes, arrivedMs, probes: [] as PlantedProbe[] }
  for (let i = 0; i < writes.length; i++) {
    if (i % plan.probeEvery === 0 || i >= plan.writes) world.probes.push(probe(world, i, plan, random.unit))
  }
  return world
}

/** Reads again and again until the write, a later one of its DC, or a newer one of another is seen. */
function probe(world: Omit<World, 'probes'>, write: number, plan: WorldPlan, unit: () => number): PlantedProbe {
  const { writes, arrivedMs } = world
  const { dc, key, version } = writes[write]
  const peer = 1 - dc
  const related = [...writes.keys()].filter((i) => writes[i].key === key)
  const known = Math.min(...related.filter((i) => writes[i].dc === dc && i >= write).map((i) => arrivedMs[i]))
  const from = writes[write].sentMs
  // Reads long before the arrival are skipped: only the last miss is kept.
  let at = Math.max(from, known - plan.readGapMs * (1 + unit()))
  let missMs: number | undefined
  for (;;) {
    const executed = at + unit() * plan.readGapMs * 0.3
    const returned = executed + unit() * plan.readGapMs * 0.3
    if (plan.vectors) {
      if (executed >= known) return { peer, write, missMs, closedMs: returned } as PlantedProbe
      missMs = at
    } else {
      const there = related.filter((i) => (writes[i].dc === peer ? writes[i].commitMs : arrivedMs[i]) <= executed)
      const row = there.reduce((best, i) => (best < 0 || writes[i].version > writes[best].version ? i : best), -1)
      if (row >= 0 && writes[row].dc === dc && row >= write)
        return { peer, write, missMs, closedMs: returned } as PlantedProbe
      if (row >= 0 && writes[row].version > version) {
        return { peer, write, missMs, closedMs: returned, state: PROBE_STATE.overshadowed } as PlantedProbe
      }
      missMs = at
    }
    at = returned + unit() * plan.readGapMs * 0.4
  }
}

/** True conflicts by looking at every pair: neither had arrived, itself or by a successor, when the other committed. */
export function oracle({ writes, arrivedMs }: World): {
  readonly pairs: number
  readonly inConflict: number
  readonly keys: number
  readonly discarded: number
} {
  const knownAt = (write: number) =>
    Math.min(
      ...writes.flatMap((other, i) =>
        i >= write && other.dc === writes[write].dc && other.key === writes[write].key ? [arrivedMs[i]] : [],
      ),
    )
  const known = writes.map((_, i) => knownAt(i))
  const inConflict = new Set<number>()
  const keys = new Set<number>()
  const discarded = new Set<number>()
  let pairs = 0
  for (const [i, a] of writes.entries()) {
    if (a.dc !== 0) continue
    for (const [j, b] of writes.entries()) {
      if (b.dc !== 1 || b.key !== a.key) continue
      if (known[i] <= b.commitMs || known[j] <= a.commitMs) continue
      pairs++
      inConflict.add(i).add(j)
      keys.add(a.key)
      discarded.add(a.version < b.version ? i : j)
    }
  }
  return { pairs, inConflict: inConflict.size, keys: keys.size, discarded: discarded.size }
}
