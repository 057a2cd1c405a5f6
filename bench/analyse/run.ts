// One run, from its raw files to everything that is said of it. A pure function of the folder: again gives the same bytes.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { figureOf, type RunAnalysis } from '../contract/analysis.ts'
import { RUN_FILES } from '../contract/run-folder.ts'
import { auditRun, verdictOf } from './audit.ts'
import { exactWarnings } from './conflict-exact.ts'
import { addConflicts, addPrediction, boundsBasis, conflictBasis } from './conflict-figures.ts'
import { CERTAINTY } from './conflicts.ts'
import { convergenceOf, writeDivergence } from './convergence.ts'
import { counterWarnings } from './counter-figures.ts'
import { addCost } from './cost.ts'
import { addDistances, externalNotes } from './distance.ts'
import { cpuPerRowBySlice } from './cpu-by-slice.ts'
import { addFates, ownOrderWarnings, orderWarnings, tooSoonWarnings } from './fate-figures.ts'
import { addFaults, faultNotes, faultSummaries } from './fault-figures.ts'
import { FaultSpans } from './fault-spans.ts'
import { analyseFaults } from './faults.ts'
import { percentileUs } from './histograms.ts'
import { writeIntervals } from './intervals.ts'
import { joinKeySpace, type KeySpace } from './key-space.ts'
import { addLag, probeCount } from './lag-figures.ts'
import { gatherEvidence, readLag, type LagAnalysis } from './lag.ts'
import { openRun, type RunData } from './load.ts'
import { MetricList } from './metric-list.ts'
import { AnalysisThreads, threadsFor } from './analysis-threads.ts'
import { partsBySize, planDeal, type DealPlan } from './deal-plan.ts'
import { firstProbes, type ProbedWrites } from './probed-writes.ts'
import { notesOn, notForPublishing } from './notes.ts'
import { plantedFindings } from './planted-faults.ts'
import { readCsv } from './raw-csv.ts'
import { addRoundTrips } from './round-trips.ts'
import { sliceMeasured, type Slices } from './slices.ts'
import { readKeptAnalysis, type StoredRun } from './stored-run.ts'
import { addTraffic, addVisible, offerOf, sumOf } from './traffic-figures.ts'
import { joinTraffic, type Traffic } from './traffic.ts'
import { addWriteWaits } from './write-waits.ts'
import { replaceText } from './write-csv.ts'

/** How the work is shared out; the figures are the same however it is. */
interface Sharing {
  /** Parts of the key space. */
  readonly partitions?: number
  readonly threads?: number
}

/**
 * Analyses a run: writes its derived files and puts `analysis` and `verdict` into run.json. A run whose ledger was
 * dropped answers from what was kept.
 */
export async function analyseRun(folder: string, sharing: Sharing = {}): Promise<RunAnalysis> {
  const run = openRun(folder)
  const { stored } = run
  if (stored.ledgerDropped && !existsSync(join(folder, RUN_FILES.ledger))) {
    const kept = readKeptAnalysis(join(folder, RUN_FILES.run))
    if (kept !== undefined) return { ...kept, run: run.name }
  }
  const slices = sliceMeasured(run.measure)
  const { traffic, lag, probes, keySpace } = await readLedger(run, slices, sharing)
  const possiblePairs = keySpace.conflicts.pairs[CERTAINTY.possible]
  keySpace.pairs.write(run, possiblePairs)
  writeDivergence(run, keySpace)
  const analysis = describe(run, slices, { traffic, lag, probes, keySpace })
  const kept: StoredRun = { ...stored, analysis, verdict: analysis.verdict }
  replaceText(join(folder, RUN_FILES.run), `${JSON.stringify(kept, undefined, 2)}\n`)
  return analysis
}

/** What the ledger says. */
interface LedgerFacts {
  readonly traffic: Traffic
  readonly lag: LagAnalysis
  /** The first probes, joined. */
  readonly probes: ProbedWrites
  readonly keySpace: KeySpace
}

/** Reads the ledger once, dealing it out by key, and then what was dealt, part by part. */
async function readLedger(run: RunData, slices: Slices, { partitions, threads }: Sharing): Promise<LedgerFacts> {
  const plan = planDeal(run, partitions)
  using _scratch = plan.scratchPath === null ? null : scratchFolder(plan.scratchPath)
  await using shared = new AnalysisThreads(Math.min(plan.parts, threads ?? threadsFor(plan.rows)))
  const { probes, counted } = await readAndJoin(run, plan, shared)
  const evidence = gatherEvidence(run, Math.max(...counted.map(({ lastSentUs }) => lastSentUs)), probes)
  const walk = { evidence: evidence.state, largestFirst: partsBySize(plan) }
  const { walked, meanwhile } = await shared.walk(walk, () => {
    const traffic = joinTraffic(counted)
    writeIntervals(run, traffic)
    return { traffic, lag: { ...readLag(run, slices, probes), evidence } }
  })
  return { ...meanwhile, probes, keySpace: joinKeySpace(run, walked) }
}

/** Reads the ledger, and joins the first probes with their writes; the table for that is large and gone afterwards. */
async function readAndJoin(run: RunData, plan: DealPlan, shared: AnalysisThreads) {
  const toJoin = firstProbes(run)
  const counted = await shared.read({ run, plan, probes: toJoin })
  return { probes: toJoin.probes, counted }
}

/** A folder with an empty file of this path in it, gone when it is disposed of. */
function scratchFolder(path: string): Disposable {
  const remove = () => rmSync(dirname(path), { recursive: true, force: true })
  // An analysis that was killed may have left its own behind.
  remove()
  mkdirSync(dirname(path))
  writeFileSync(path, '')
  return { [Symbol.dispose]: remove }
}

function describe(run: RunData, slices: Slices, { traffic, lag, probes, keySpace }: LedgerFacts): RunAnalysis {
  const { stored } = run
  const { scenario, system, counters } = stored
  const list = new MetricList()
  addTraffic(list, run, traffic)
  addVisible(list, run, traffic, keySpace.visible)
  addLag(list, run, lag)
  const faults = analyseFaults(run, traffic, probes)
  const spans = faults?.spans ?? new FaultSpans([])
  if (faults !== undefined) addFaults(list, run, faults)
  const roundTrips = addRoundTrips(list, run, spans)
  addWriteWaits(list, run, roundTrips)
  const distance = addDistances(list, run, roundTrips)
  const basis = conflictBasis(keySpace)
  addConflicts(list, run, keySpace, basis)
  const disagreement = addPrediction(list, run, keySpace, lag, basis)
  const reordered = keySpace.fates.arrivals.compare()
  addFates(list, run, keySpace, reordered)
  addConvergence(list, run)
  addCost(list, stored, run.dcs, traffic)
  const offer = offerOf(run)
  const declined = sumOf(traffic, 'declined')
  const untouched = (series: readonly number[]) => spans.untouched(series, slices)
  const answered = probeCount(lag, 'hits') + probeCount(lag, 'overshadowed')
  const audit = auditRun({
    facts: stored,
    ...offer,
    // What a workload declines was never to be sent: the system owes nothing for it.
    offered: offer.offered - declined,
    stoodStill: false,
    acknowledgedInTime: sumOf(traffic, 'acknowledgedInTime'),
    unknown: sumOf(traffic, 'unknown'),
    roundTrips,
    distance,
    probesAsked: faults?.probed.asked ?? answered + probeCount(lag, 'open') + probeCount(lag, 'dropped'),
    probesAnswered: faults?.probed.answered ?? answered,
    thinSecondsShare: lag.evidence.thinShare(run.measure.startUs, run.measure.endUs, (from, to) =>
      spans.touch(from, to),
    ),
    acknowledgedPerSlice: untouched([...traffic.acknowledgedBySlice]),
    lagP50MsPerSlice: untouched(lag.bySlice.map((slice) => (slice.percentileUs(50) ?? Number.NaN) / 1000)),
    responseP99Ms: new Map(run.dcs.map((dc) => [dc, figureOf(list.metrics, 'response_p99', { dc }).value])),
    responseP50MsPerSlice: untouched(
      traffic.responseBySlice.map((slice) => (percentileUs(slice, 50) ?? Number.NaN) / 1000),
    ),
    cpuUsPerRowPerSlice: untouched(cpuPerRowBySlice(run, slices, traffic.acknowledgedBySlice)),
    backlogSeconds: untouched(backlogSeconds(run, slices, traffic)),
    // Nobody knows when the schedule gave rows up, and a DC that is down for long makes it do so.
    ...(faults === undefined ? {} : { ...faults.writes.outside, dropped: null, stoodStill: faults.stoodStill }),
  })
  // A fault changes the lag while it lasts: independent writers do not then have what a steady lag predicts. Writers that take
  // turns are not independent at all.
  const warnings = disagreement === null || faults !== undefined || scenario.takesTurns === true ? [] : [disagreement]
  warnings.push(...orderWarnings(run, reordered, lag.evidence.contradictedLinks))
  warnings.push(...tooSoonWarnings(run, lag.evidence.tooSoonLinks), ...ownOrderWarnings(run))
  const bounds = boundsBasis(keySpace)
  warnings.push(...exactWarnings(keySpace.exactness, bounds, keySpace.conflicts), ...counterWarnings(keySpace))
  const verdict = verdictOf(stored, audit, {
    acknowledged: sumOf(traffic, 'acknowledged'),
    lostInSome: keySpace.lostWrites?.inSome ?? null,
    lostInAll: keySpace.lostWrites?.inAll ?? null,
    resurrected: keySpace.lostWrites?.resurrected ?? 0,
    mixed: keySpace.fates.mixedRows.keys,
    unexplained: keySpace.unexplained,
    torn: [...run.torn].map((path) => basename(path)).sort(),
    warnings,
  })
  const planted = counters?.planted ?? []
  return {
    run: run.name,
    index: stored.index,
    repeat: stored.repeat,
    driver: system.driver,
    replication: system.replication,
    mode: system.mode,
    capabilities: system.capabilities,
    workload: scenario.workload,
    shardKey: scenario.shardKey,
    rows: scenario.rows,
    seed: scenario.seed,
    quick: scenario.quick,
    notForPublishing: notForPublishing(run),
    dcs: run.dcs,
    links: scenario.topology.links,
    rateAsked: scenario.rateAsked,
    rowsPerSecond: scenario.rowsPerSecond,
    measuredSeconds: run.measure.seconds,
    durability: system.store?.durability ?? '',
    fdatasyncP50Ms: stored.ground.fdatasyncP50Ms,
    conflictBasis: basis,
    ...(scenario.takesTurns === true ? { takesTurns: true as const } : {}),
    ...(counters?.conflictsReported == null ? {} : { reportedMeaning: counters.conflictsReported.meaning }),
    ...(planted.length === 0 ? {} : { planted: plantedFindings(planted, list.metrics) }),
    notes: [
      ...notesOn(run, keySpace, bounds, declined),
      ...distance.notes,
      ...externalNotes(run),
      ...(faults === undefined ? [] : faultNotes(run, faults, audit)),
    ],
    metrics: list.metrics,
    audit,
    ...(faults === undefined ? {} : { faults: faultSummaries(run, faults) }),
    verdict,
  }
}

function addConvergence(list: MetricList, run: RunData): void {
  const { convergence, divergent, system } = run.stored
  const { seconds, lowSeconds, checks } = convergenceOf(convergence)
  const readable = system.capabilities.readable
  list.add('divergent_rows', 'rows', { value: readable ? divergent.total : null }, { phase: 'run' })
  list.add('convergence', 's', { value: seconds, low: lowSeconds, high: seconds, n: checks }, { phase: 'drain' })
}

/** What is still to replicate, over all links, in seconds of writes at the acknowledged rate; by slice. */
function backlogSeconds(run: RunData, slices: Slices, traffic: Traffic): number[] {
  const links = new Map<string, Float64Array>()
  const storedRows = traffic.byDc.reduce((sum, dc) => sum + dc.stored, 0)
  const storedBytes = traffic.byDc.reduce((sum, dc) => sum + dc.storedBytes, 0)
  for (const row of readCsv(run, RUN_FILES.links)) {
    const slice = slices.at(Number(row.at_s) * 1e6)
    if (slice < 0 || row.backlog === '') continue
    const perSecond = (row.backlog_unit === 'bytes' ? storedBytes : storedRows) / run.measure.seconds
    const name = `${row.from} ${row.to}`
    let series = links.get(name)
    if (series === undefined) links.set(name, (series = new Float64Array(slices.count).fill(Number.NaN)))
    if (perSecond > 0) series[slice] = Number(row.backlog) / perSecond
  }
  return Array.from({ length: links.size === 0 ? 0 : slices.count }, (_, slice) =>
    [...links.values()].reduce((sum, series) => sum + series[slice], 0),
  )
}
