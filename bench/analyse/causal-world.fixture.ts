// Worlds of two to four DCs whose truth is known: writes commit, arrive, win or are beaten, and are read back, event by event.
// The causal past of each write is kept as a set of writes. Nothing here is shared with the analysis.
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { randomStream, type RandomStream } from '../lib/random.ts'
import type { PlantedCause, PlantedFinal, PlantedProbe, PlantedWrite } from './planted.fixture.ts'

/** How long rows are on their way, around `lagMs` of their link. */
export type LagLaw = 'constant' | 'jittered' | 'heavy tail' | 'drifting'

export interface CausalPlan {
  readonly seed: number
  readonly dcs: number
  readonly writes: number
  readonly keys: number
  readonly lengthMs: number
  readonly lagMs: readonly [least: number, most: number]
  readonly law: LagLaw
  readonly serviceMs: number
  /** Rows arrive in the order of their commits. */
  readonly ordered: boolean
  /** Reads show the row's version vector; else only its dot and version. */
  readonly vectors: boolean
  /** Shares of the writes. */
  readonly unknown: number
  readonly failed: number
  readonly coalesced: number
  readonly deleted: number
  readonly probed: number
  readonly readGapMs: number
  /** Clocks that versions are taken from are apart by up to this. */
  readonly skewMs: number
}

/** A write as it happened; `committedMs` is undefined where it never did. */
export interface TrueWrite extends PlantedWrite {
  readonly committedMs?: number
  readonly stored: boolean
}

/** What one DC showed of one key from a time on. */
interface Shown {
  readonly atMs: number
  readonly write: number
  readonly vector: readonly number[]
}

export interface CausalWorld {
  readonly dcs: readonly string[]
  readonly writes: readonly TrueWrite[]
  readonly probes: readonly PlantedProbe[]
  readonly causes: readonly PlantedCause[]
  readonly finals: readonly PlantedFinal[]
  /** By write: the writes in its causal past, and the one that it replaced (−1: none). */
  readonly past: readonly ReadonlySet<number>[]
  readonly replaced: readonly number[]
}

const wholeUs = (ms: number) => Math.round(ms * 1000) / 1000

export function makeCausalWorld(plan: CausalPlan): CausalWorld {
  const random = randomStream(plan.seed, 77)
  const between = (least: number, most: number) => least + random.unit() * (most - least)
  const asked = askedWrites(plan, random, between)
  const replay = new Replay(plan, asked, random)
  const { writes } = replay
  const probes = writes.flatMap(({ dc, outcome, coalesced }, write) => {
    // Nobody looks for a write that was refused, or replaced before it was sent.
    if (outcome === OUTCOME.fail || coalesced === true || random.unit() >= plan.probed) return []
    const peers = Array.from({ length: plan.dcs }, (_, peer) => peer).filter((peer) => peer !== dc)
    return peers.map((peer) => probe(replay, write, peer, plan, random))
  })
  return {
    dcs: Array.from({ length: plan.dcs }, (_, dc) => `dc${dc}`),
    writes,
    probes,
    causes: replay.causes,
    finals: replay.finals(),
    past: replay.past,
    replaced: replay.replaced,
  }
}

/** Writes in the order in which they are sent, which is that of their dots; versions come with the commits. */
function askedWrites(plan: CausalPlan, random: RandomStream, between: (a: number, b: number) => number): TrueWrite[] {
  const lastCommit = new Map<string, number>()
  return Array.from({ length: plan.writes }, () => ({
    dc: random.uint32() % plan.dcs,
    key: random.uint32() % plan.keys,
    sentMs: wholeUs(between(10, plan.lengthMs)),
  }))
    .sort((a, b) => a.sentMs - b.sentMs)
    .map(({ dc, key, sentMs }): TrueWrite => {
      const kind = random.unit()
      const operation = random.unit() < plan.deleted ? OPERATION.delete : OPERATION.upsert
      const write = { dc, key, sentMs, operation }
      const committed = Math.max(lastCommit.get(`${dc} ${key}`) ?? 0, sentMs) + 0.005 + random.unit() * plan.serviceMs
      const ackedMs = wholeUs(committed + 0.005 + random.unit() * plan.serviceMs)
      if (kind < plan.failed) return { ...write, outcome: OUTCOME.fail, stored: false }
      if (kind < plan.failed + plan.coalesced) return { ...write, ackedMs, coalesced: true, stored: false }
      const unknown = kind < plan.failed + plan.coalesced + plan.unknown
      if (unknown && random.unit() < 0.4) return { ...write, outcome: OUTCOME.info, stored: false }
      lastCommit.set(`${dc} ${key}`, committed)
      const done = { ...write, committedMs: committed, stored: true }
      return unknown ? { ...done, outcome: OUTCOME.info } : { ...done, ackedMs, outcome: OUTCOME.ok }
    })
}

interface Event {
  readonly atMs: number
  readonly write: number
  readonly dc: number
}

/** Plays commits and arrivals in the order of time. */
class Replay {
  readonly writes: TrueWrite[]
  readonly past: Set<number>[]
  readonly replaced: number[]
  readonly causes: PlantedCause[] = []
  readonly #dcs: number
  /** By DC and key. */
  readonly #known = new Map<string, Set<number>>()
  readonly #shown = new Map<string, Shown[]>()

  constructor(plan: CausalPlan, asked: readonly TrueWrite[], random: RandomStream) {
    this.#dcs = plan.dcs
    this.writes = [...asked]
    this.past = asked.map(() => new Set())
    this.replaced = asked.map(() => -1)
    const skewMs = Array.from({ length: plan.dcs }, () => random.unit() * plan.skewMs)
    for (const { write, dc, atMs } of events(plan, asked, random)) {
      if (asked[write].dc === dc) this.#commit(write, atMs, skewMs[dc])
      else this.#arrive(write, dc, atMs)
    }
    for (const [i, { sentMs, dc, version }] of this.writes.entries()) {
      if (version === undefined) this.writes[i] = { ...this.writes[i], version: versionAt(sentMs + skewMs[dc], dc) }
    }
  }

  shown(dc: number, key: number): readonly Shown[] {
    return this.#shown.get(`${dc} ${key}`) ?? []
  }

  #row(dc: number, key: number): Shown | undefined {
    return this.shown(dc, key).at(-1)
  }

  #knownAt(dc: number, key: number): Set<number> {
    const name = `${dc} ${key}`
    let known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, (known = new Set()))
    return known
  }

  #commit(write: number, atMs: number, skewMs: number): void {
    const { dc, key, sentMs, outcome } = this.writes[write]
    const known = this.#knownAt(dc, key)
    const row = this.#row(dc, key)
    const asked = versionAt(sentMs + skewMs, dc)
    const held = row === undefined ? 0 : (this.writes[row.write].version ?? 0)
    const version = asked > held ? asked : (Math.floor(held / 16) + 1) * 16 + dc
    this.past[write] = new Set(known)
    this.replaced[write] = row?.write ?? -1
    if (outcome === OUTCOME.ok) {
      this.causes.push({ write, overwrote: this.replaced[write], seen: this.#latest(known) })
    }
    known.add(write)
    this.writes[write] = { ...this.writes[write], version }
    this.#show(dc, key, atMs, write)
  }

  #arrive(write: number, dc: number, atMs: number): void {
    const { key, version = 0 } = this.writes[write]
    const known = this.#knownAt(dc, key)
    for (const other of this.past[write]) known.add(other)
    known.add(write)
    const row = this.#row(dc, key)
    const wins = row === undefined || version > (this.writes[row.write].version ?? 0)
    this.#show(dc, key, atMs, wins ? write : row.write)
  }

  #show(dc: number, key: number, atMs: number, write: number): void {
    const name = `${dc} ${key}`
    const all = this.#shown.get(name) ?? []
    this.#shown.set(name, all)
    all.push({ atMs, write, vector: this.#latest(this.#knownAt(dc, key)) })
  }

  /** The latest write of each DC in a set, −1 for none. */
  #latest(known: ReadonlySet<number>): number[] {
    const latest = new Array<number>(this.#dcs).fill(-1)
    for (const write of known) latest[this.writes[write].dc] = Math.max(latest[this.writes[write].dc], write)
    return latest
  }

  finals(): PlantedFinal[] {
    const keys = [...new Set(this.writes.map(({ key }) => key))]
    return keys.flatMap((key) =>
      Array.from({ length: this.#dcs }, (_, dc): PlantedFinal => {
        const row = this.#row(dc, key)
        return row === undefined ? { dc, key } : { dc, key, write: row.write }
      }),
    )
  }
}

function versionAt(ms: number, dc: number): number {
  return Math.floor((1e9 + ms * 1000) / 16) * 16 + dc
}

function events(plan: CausalPlan, asked: readonly TrueWrite[], random: RandomStream): Event[] {
  const base = Array.from(
    { length: plan.dcs ** 2 },
    () => plan.lagMs[0] + random.unit() * (plan.lagMs[1] - plan.lagMs[0]),
  )
  const all: Event[] = []
  const order = [...asked.entries()].filter(([, { stored }]) => stored)
  order.sort(([, a], [, b]) => (a.committedMs ?? 0) - (b.committedMs ?? 0))
  const latest = new Array<number>(plan.dcs ** 2).fill(0)
  for (const [write, { dc, committedMs = 0 }] of order) {
    all.push({ atMs: committedMs, write, dc })
    for (let peer = 0; peer < plan.dcs; peer++) {
      if (peer === dc) continue
      const link = dc * plan.dcs + peer
      let atMs = committedMs + lagOf(plan, base[link], committedMs, random)
      if (plan.ordered) latest[link] = atMs = Math.max(atMs, latest[link] + 0.001)
      all.push({ atMs, write, dc: peer })
    }
  }
  return all.sort((a, b) => a.atMs - b.atMs)
}

function lagOf({ law, lengthMs }: CausalPlan, base: number, atMs: number, random: RandomStream): number {
  if (law === 'constant') return base + random.unit() * 0.5
  if (law === 'jittered') return base * (0.8 + 0.4 * random.unit())
  if (law === 'drifting') return base * (1 + atMs / lengthMs) + random.unit() * 2
  // Pareto with exponent 1.5, in tenths of the link's lag: one in a hundred takes three times as long.
  return base * (0.9 + 0.1 * Math.min(200, (1 - random.unit()) ** (-1 / 1.5)))
}

/** Reads at random times until the write or a later one of its DC is seen, or a newer one of another hides it. */
function probe(replay: Replay, write: number, peer: number, plan: CausalPlan, random: RandomStream): PlantedProbe {
  const { dc, key, sentMs, version = 0 } = replay.writes[write]
  const log = replay.shown(peer, key)
  const closes = ({ write: row, vector }: Shown): number => {
    const other = replay.writes[row]
    if (plan.vectors ? vector[dc] >= write : other.dc === dc && row >= write) return PROBE_STATE.hit
    return !plan.vectors && other.dc !== dc && (other.version ?? 0) > version ? PROBE_STATE.overshadowed : 0
  }
  const closing = log.find((shown) => shown.atMs > sentMs && closes(shown) > 0)?.atMs
  const endMs = plan.lengthMs * 3
  // Most probes are read a few times before they close; some are found by their first read, some read from the start.
  const early = random.unit()
  const expected = closing ?? sentMs + plan.lagMs[1]
  const first = early < 0.1 ? sentMs : early < 0.25 ? expected : expected - plan.readGapMs * 3 * random.unit()
  let atMs = wholeUs(Math.max(sentMs + 0.001, first))
  let missMs: number | undefined
  for (;;) {
    const executed = atMs + 0.002 + random.unit() * plan.readGapMs * 0.3
    const returned = wholeUs(executed + 0.002 + random.unit() * plan.readGapMs * 0.3)
    const shown = log.findLast((entry) => entry.atMs <= executed)
    const state = shown === undefined ? 0 : closes(shown)
    if (state > 0) return { peer, write, state, missMs, closedMs: returned } as PlantedProbe
    missMs = atMs
    if (atMs > endMs) return { peer, write, state: PROBE_STATE.open, missMs }
    const gap = plan.readGapMs * (0.2 + random.unit() * 0.4)
    atMs = wholeUs(closing === undefined ? endMs + 1 : returned + gap)
  }
}
