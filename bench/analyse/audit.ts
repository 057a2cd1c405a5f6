// The self-audit: measured values against the bounds, and the verdict that comes of it.
import type { AuditLine, Verdict } from '../contract/analysis.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { AUDIT_BOUNDS, CPU_FLOOR_CORES, SLIP_FLOOR_MS, TREND_FLOOR_MS, TREND_Z, type AuditName } from './audit-table.ts'
import { formatFigure, roundFigure } from './numbers.ts'
import { FAULT_PHASE, type RoundTrips } from './round-trips.ts'
import { trendOf } from './statistics.ts'

/** What the audit judges. Series are by slice of the measured phase; NaN where a slice has nothing. */
interface AuditInput {
  readonly facts: RunFacts
  readonly offered: number
  /** A fault made a DC stand still: what waited is sent at once afterwards, which makes the client late and busy. */
  readonly stoodStill: boolean
  /** null: not to be judged. */
  readonly dropped: number | null
  readonly acknowledgedInTime: number
  readonly unknown: number
  readonly roundTrips: readonly RoundTrips[]
  /** What the harness’s distance may add, as a share of the lag p50 of the pair where it is the most; null where the DCs are here. */
  readonly distance: { readonly share: number | null; readonly where: string }
  readonly probesAsked: number
  readonly probesAnswered: number
  /** Share of seconds × links with too few clean probes; null where nothing is probed. */
  readonly thinSecondsShare: number | null
  readonly acknowledgedPerSlice: readonly number[]
  readonly lagP50MsPerSlice: readonly number[]
  readonly responseP50MsPerSlice: readonly number[]
  /** Of all stores and replication services. */
  readonly cpuUsPerRowPerSlice: readonly number[]
  /** By DC. */
  readonly responseP99Ms: ReadonlyMap<string, number | null>
  /** The backlog in seconds of writes, over the measured phase. */
  readonly backlogSeconds: readonly number[]
}

interface Found {
  readonly value: number | null
  readonly where?: string
  /** A trend may be beyond its bound by chance: then it is within. */
  readonly byChance?: boolean
}

/** One line a bound, in the order of the table. */
export function auditRun(input: AuditInput): AuditLine[] {
  const closedLoop = input.facts.scenario.rowsPerSecond === null
  const found = findings(input)
  return (Object.keys(AUDIT_BOUNDS) as AuditName[]).map((key): AuditLine => {
    const { name, unit, bound, why, makes, steadiness, openLoopOnly } = AUDIT_BOUNDS[key]
    const { value, where = '', byChance = false } = found[key]
    const judged = value !== null && Number.isFinite(value) && !(closedLoop && openLoopOnly)
    return {
      name,
      unit,
      value: roundFigure(value),
      bound,
      result: !judged ? 'not judged' : value > bound && !byChance ? 'outside' : 'within',
      makes: steadiness && input.facts.scenario.quick ? 'warning' : makes,
      where,
      why,
    }
  })
}

const ratio = (part: number | null, of: number | null): number | null =>
  part === null || of === null || of <= 0 ? null : part / of

function findings(input: AuditInput): Record<AuditName, Found> {
  const { facts, roundTrips } = input
  // Warming up is for what is not yet steady; its pings are in the files all the same.
  // A closed loop takes every core there is, the relay's too, and states no lag: its links are judged before and after.
  const closedLoop = facts.scenario.rowsPerSecond === null
  // Those that a fault delayed are the fault's.
  const unjudged = new Set(['warmup', FAULT_PHASE, ...(closedLoop ? ['during'] : [])])
  const judged = roundTrips.filter(({ phase }) => !unjudged.has(phase))
  const workers = facts.workers.filter((worker) => worker.phase === 'measure')
  const worst = <T>(items: readonly T[], valueOf: (item: T) => number | null, where: (item: T) => string): Found =>
    items.reduce<Found>(
      (so, item) => {
        const value = valueOf(item)
        return value !== null && (so.value === null || value > so.value) ? { value, where: where(item) } : so
      },
      { value: null },
    )
  const share = (part: number | null, of: number): Found => ({ value: ratio(part, of) })
  const worker = (w: (typeof workers)[number]) => `${w.dc}, worker ${w.worker}`
  const trip = (t: RoundTrips) => `${t.from} to ${t.to}, ${t.phase}`
  return {
    slip: input.stoodStill ? { value: null } : worst(workers, (w) => w.slipP99Ms, worker),
    slipShare: input.stoodStill
      ? { value: null }
      : worst(
          workers,
          ({ slipP99Ms, dc }) =>
            slipP99Ms !== null && slipP99Ms <= SLIP_FLOOR_MS
              ? 0
              : ratio(slipP99Ms, input.responseP99Ms.get(dc) ?? null),
          worker,
        ),
    eventLoop: input.stoodStill ? { value: null } : worst(workers, (w) => w.eventLoopP99Ms, worker),
    utilisation: worst(workers, (w) => w.utilisation, worker),
    dropped: share(input.dropped, input.offered),
    shortfall: share(Math.max(0, input.offered - input.acknowledgedInTime), input.offered),
    unknown: share(input.unknown, input.offered),
    rttDrift: worst(
      judged,
      ({ p50Ms, nominalMs, jitterMs }) =>
        nominalMs === null ? null : Math.max(0, Math.abs(p50Ms - nominalMs) - jitterMs),
      trip,
    ),
    rttTail: worst(
      judged,
      ({ p99Ms, nominalMs, jitterMs }) => (nominalMs === null ? null : p99Ms - nominalMs - jitterMs),
      trip,
    ),
    distance: { value: input.distance.share, where: input.distance.where },
    distanceShare: { value: input.distance.share, where: input.distance.where },
    unanswered: share(input.probesAsked - input.probesAnswered, input.probesAsked),
    thinSeconds: { value: input.thinSecondsShare },
    pressure: { value: facts.pressure.cpuSomeShare },
    steal: { value: facts.pressure.stealShare },
    warmUpFall: { value: facts.warmUp?.at(-1)?.fall ?? null },
    cpuFall: cpuFall(input.cpuUsPerRowPerSlice, sliceRate(input)),
    rateTrend: relativeTrend(input.acknowledgedPerSlice, 0),
    lagTrend: relativeTrend(input.lagP50MsPerSlice, TREND_FLOOR_MS),
    responseTrend: relativeTrend(input.responseP50MsPerSlice, TREND_FLOOR_MS),
    backlogTrend: backlogTrend(input.backlogSeconds),
  }
}

/** How much a series changed from start to end beside its median, either way. */
function relativeTrend(series: readonly number[], floor: number): Found {
  const trend = trendOf(series)
  if (trend === null || trend.median === 0) return { value: null }
  const change = Math.abs(trend.change)
  return { value: change / Math.abs(trend.median), byChance: Math.abs(trend.z) < TREND_Z || change < floor }
}

/** Rows acknowledged a second, as the slices have it. */
function sliceRate({ acknowledgedPerSlice, facts }: AuditInput): number {
  const { durationSeconds } = facts.scenario
  const known = acknowledgedPerSlice.filter((rows) => Number.isFinite(rows))
  return known.reduce((sum, rows) => sum + rows, 0) / durationSeconds
}

/** A rise is what compaction and growing tables cost: only a fall says that a system was not warm. */
function cpuFall(series: readonly number[], rowsPerSecond: number): Found {
  const trend = trendOf(series)
  if (trend === null || trend.median === 0) return { value: null }
  const byChance = trend.z > -TREND_Z || (-trend.change * rowsPerSecond) / 1e6 < CPU_FLOOR_CORES
  return { value: Math.max(0, -trend.change / trend.median), byChance }
}

function backlogTrend(series: readonly number[]): Found {
  const trend = trendOf(series)
  return trend === null ? { value: null } : { value: Math.max(0, trend.change), byChance: trend.z < TREND_Z }
}

/** Facts that decide the verdict beside the audit lines. */
interface Promises {
  /** Rows of the measured phase. */
  readonly acknowledged: number
  readonly lostInSome: number | null
  readonly lostInAll: number | null
  /** Of the lost writes, deletes whose rows came back. */
  readonly resurrected: number
  /** Keys that some DC holds content of that no write made. */
  readonly mixed: number
  readonly unexplained: number
  readonly torn: readonly string[]
  /** Other warnings, in whole sentences. */
  readonly warnings: readonly string[]
}

/** The verdict: invalid where a bound is broken or the facts are incomplete; broken promises stand apart. */
export function verdictOf(facts: RunFacts, lines: readonly AuditLine[], promises: Promises): Verdict {
  const outside = lines.filter((line) => line.result === 'outside')
  const reasons = outside.filter((line) => line.makes === 'invalid').map(sentenceOf)
  const warnings = [...outside.filter((line) => line.makes === 'warning').map(sentenceOf), ...promises.warnings]
  if (facts.convergence.startedEqual === false)
    reasons.push('The DCs did not start with equal rows: what they differ in at the end proves nothing.')
  if (promises.acknowledged === 0)
    reasons.push('No write of the measured phase was acknowledged: there is nothing that the figures could tell of.')
  if (promises.torn.length > 0)
    reasons.push(
      `The ledger is incomplete (${promises.torn.join(', ')} ends in the middle of a block): a writer or prober was killed.`,
    )
  if (promises.unexplained > 0)
    reasons.push(
      `${countOf(promises.unexplained, 'row at the end carries', 'rows at the end carry')} a write that was refused, replaced or never asked for: the driver reports its outcomes wrongly.`,
    )
  const broken: string[] = []
  const { capabilities } = facts.system
  const promisesConvergence = capabilities.conflicts !== 'diverges'
  const { lostInSome, lostInAll } = promises
  if (promisesConvergence && lostInSome !== null && lostInSome > 0)
    broken.push(
      `${countOf(lostInSome, 'acknowledged write is', 'acknowledged writes are')} lost in at least one DC, ${lostInAll ?? 0} of them in all${promises.resurrected === 0 ? '' : `; ${promises.resurrected} of them deleted a row that came back`}.`,
    )
  if (promisesConvergence && promises.mixed > 0)
    broken.push(`${countOf(promises.mixed, 'row is', 'rows are')} mixed at the end: no write made what they hold.`)
  if (!promisesConvergence && lostInAll !== null && lostInAll > 0)
    broken.push(`${countOf(lostInAll, 'acknowledged write is', 'acknowledged writes are')} lost in all DCs.`)
  if (promisesConvergence && facts.divergent.total > 0)
    broken.push(
      `${countOf(facts.divergent.total, 'row differs', 'rows differ')} between the DCs at the end, in a system that promises that they become equal.`,
    )
  else if (promisesConvergence && capabilities.readable) {
    if (facts.convergence.timedOut)
      reasons.push('The DCs had not become equal when the drain ended: lags and losses cannot be told apart.')
    else if (facts.convergence.wholeTableEqual === false)
      reasons.push(
        `The whole tables differed at the end in no row that could be named, each of the ${facts.convergence.readBacks ?? 1} times that they were read: rows still changed.`,
      )
  }
  const readBacks = facts.convergence.readBacks ?? 1
  if (readBacks > 1)
    warnings.push(
      `Rows changed while they were read back, after the DCs had been equal: writes of unknown outcome happened late, and all was read ${readBacks} times.`,
    )
  return { status: reasons.length === 0 ? 'valid' : 'invalid', reasons, warnings, broken }
}

const countOf = (count: number, one: string, several: string) => `${count} ${count === 1 ? one : several}`

/** Three digits, or as many as it takes to tell the value from its bound. */
function besideBound(value: number | null, bound: number): string {
  if (value === null || Number.isInteger(value)) return formatFigure(value)
  const digits = [3, 4, 5].find((few) => Number(value.toPrecision(few)) > bound)
  return formatFigure(digits === undefined ? value : Number(value.toPrecision(digits)))
}

function sentenceOf(line: AuditLine): string {
  const where = line.where === '' ? '' : ` (${line.where})`
  const unit = line.unit === 'ratio' ? '' : ` ${line.unit}`
  const name = line.name.charAt(0).toUpperCase() + line.name.slice(1)
  return `${name} was ${besideBound(line.value, line.bound)}${unit}${where} where ${line.bound}${unit} is allowed: ${line.why}.`
}
