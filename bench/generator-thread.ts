// The thread of one generator worker: joins load and measure, and obeys the phases that the main thread orders.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { closeSession, openSession } from './bounds/session-calls.ts'
import { whoseDriver } from './bounds/whose.ts'
import type { Session, SessionOptions } from './contract/driver.ts'
import { BenchError } from './contract/errors.ts'
import { Alarm } from './lib/alarm.ts'
import { nowUs } from './lib/clock.ts'
import { ContentMaker } from './lib/content.ts'
import { HybridClock, incarnationOf, PHASE } from './lib/dot.ts'
import { Arrivals } from './load/arrivals.ts'
import { Generator } from './load/generator.ts'
import { Lane, type LaneEvents, type LaneOptions } from './load/lane.ts'
import type { Recorder } from './load/row-record.ts'
import { schedule } from './load/schedule.ts'
import { TouchedKeys } from './load/touched.ts'
import { Turns } from './load/turns.ts'
import { CausesWriter } from './measure/causes.ts'
import { LedgerWriter } from './measure/ledger.ts'
import {
  ALIVE_TIMES,
  failure,
  loadDriver,
  loadWorkload,
  silentMsOf,
  type FromGenerator,
  type GeneratorThreadPlan,
  type PhaseOrder,
  type ProbeMessage,
  type Progress,
  type ToGenerator,
} from './stages/thread-plan.ts'

const EVENT_LOOP_SAMPLE_MS = 10
const PENDING_ROWS_MAX = 1 << 18
const PROGRESS_EVERY_MS = 500

const { plan, probers } = workerData as { plan: GeneratorThreadPlan; probers: readonly MessagePort[] }
const main = parentPort as MessagePort
const say = (message: FromGenerator) => main.postMessage(message)
const fail = (error: unknown) => say(failure(error, plan.driver, plan.workload))
const tellProbers = (message: ProbeMessage) => {
  for (const port of probers) port.postMessage(message)
}
// What a driver or a workload throws from a timer or a stream comes here.
process.on('uncaughtException', fail)

const driver = await loadDriver(plan.driver)
const whose = whoseDriver(plan.driver, driver.name)
const { graceMs } = whose.limits
const live = () => say({ type: 'alive' })
live()
const living = setInterval(live, silentMsOf(plan.driver, plan.workload) / ALIVE_TIMES)
const workload = await loadWorkload(plan.workload)
const table = workload.table(plan.options)
const content = new ContentMaker(table.columns, plan.seed)
const dc = plan.deployPlan.dcs[plan.dcIndex]
const clock = new HybridClock(plan.dcIndex, () => plan.epochWallUs + plan.clockSkewUs + (nowUs() - plan.epochUs))
const ledger = await LedgerWriter.create(plan.path)
const causes = plan.causesPath === undefined ? undefined : new CausesWriter(plan.causesPath)
const recorder: Recorder = {
  reserve: (count) => ledger.reserve(count),
  settle: (rows) => ledger.settle(rows),
  ...(causes === undefined
    ? {}
    : { found: (key, dot, overwrote, peer, seen) => causes.note(key, dot, overwrote, peer, seen) }),
}
const ending = new AbortController()
const sessions: Session[] = []
/** Only where DCs take turns: a session a writer that reads whose turn it is. */
const turnSessions: Session[] = []
const turns: Turns[] = []
let generator: Generator | undefined
const alarm = new Alarm(() => generator?.ring())

const progressOf = (running: Generator | undefined): Progress => {
  if (running === undefined) return { offered: 0, acknowledged: 0, failed: 0, unknown: 0, dropped: 0 }
  const { offered, acknowledged, failed, unknown, dropped } = running.counts
  return { offered, acknowledged, failed, unknown, dropped }
}

function countsNow(): FromGenerator {
  const serviceP50Ms = generator?.takeServiceP50Ms() ?? null
  return { type: 'counts', progress: progressOf(generator), atUs: nowUs(), serviceP50Ms }
}

/** The writers of this worker: worker, worker + workers, … below the DC's number of writers. */
function ownWriters(): number[] {
  const writers = []
  for (let writer = plan.worker; writer < plan.writers; writer += plan.workers) writers.push(writer)
  return writers
}

/**
 * Who says whose turn it is, on a session of its own; nobody where DCs write as they like. One for all phases: a write without
 * an outcome keeps its key for good.
 */
async function openTurns(open: () => Promise<Session>): Promise<void> {
  const { takesTurns } = workload
  if (takesTurns === undefined) return
  const session = await open()
  turnSessions.push(session)
  const dcCount = plan.deployPlan.dcs.length
  const firstOf = (key: number) => takesTurns(key, plan.options, dcCount)
  turns.push(new Turns(session, { dcIndex: plan.dcIndex, dcCount, firstOf, timeoutMs: plan.timeoutMs }))
}

async function runPhase(order: PhaseOrder): Promise<void> {
  const touched = new TouchedKeys()
  const phase = PHASE[order.name]
  const { seed, dcIndex, options } = plan
  const dcCount = plan.deployPlan.dcs.length
  const stream = workload.stream({ options, seed, dcIndex, dcCount, phase })
  const times =
    order.rowsPerSecond === null
      ? undefined
      : schedule({ arrivals: plan.arrivals, rowsPerSecond: order.rowsPerSecond, seed, dcIndex, dcCount, phase })
  const running = new Generator(
    {
      writers: plan.writers,
      worker: plan.worker,
      workers: plan.workers,
      lingerUs: plan.lingerUs,
      batchRows: plan.batchRows,
      startUs: order.startUs,
      endUs: order.endUs,
      closedLoop: order.rowsPerSecond === null,
      graceUs: plan.timeoutMs * 1000,
    },
    new Arrivals(stream, times),
    alarm,
  )
  generator = running
  const lanes = ownWriters().map((writer, i) => {
    const laneOptions: LaneOptions = {
      dcIndex,
      incarnation: incarnationOf(phase, writer),
      phase,
      seed,
      epochUs: plan.epochUs,
      batchRows: plan.batchRows,
      lingerUs: plan.lingerUs,
      inFlight: plan.inFlight,
      pendingRowsMax: Math.max(
        2 * plan.batchRows,
        Math.floor(PENDING_ROWS_MAX / Math.ceil(plan.writers / plan.workers)),
      ),
      probeShare: order.probeShare,
      unansweredAfterUs: (plan.timeoutMs + graceMs) * 1000,
    }
    const events: LaneEvents = {
      sent(sentUs, rows, slipUs, probed) {
        running.onSent(rows, slipUs)
        if (probed !== undefined) tellProbers({ type: 'watch', sentUs, ...probed })
      },
      raised: (dots, versions) => tellProbers({ type: 'raise', dots, versions }),
      settled: running.onSettled,
      declined: running.onDeclined,
    }
    return new Lane(sessions[i], laneOptions, content, clock, recorder, touched, events, turns[i])
  })
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, (order.startUs - nowUs()) / 1000 - 2)))
  const loop = monitorEventLoopDelay({ resolution: EVENT_LOOP_SAMPLE_MS })
  loop.enable()
  const before = performance.eventLoopUtilization()
  const ticking = setInterval(() => {
    running.giveUpUnanswered()
    say({ type: 'progress', progress: progressOf(running), ledgerBytes: ledger.bytes })
    if (ledger.failure !== undefined) fail(ledger.failure)
  }, PROGRESS_EVERY_MS)
  await running.run(lanes)
  clearInterval(ticking)
  loop.disable()
  const { utilization } = performance.eventLoopUtilization(before)
  const loopMs = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - EVENT_LOOP_SAMPLE_MS) : 0
  generator = undefined
  say({
    type: 'phase',
    progress: progressOf(running),
    lastOutcomeUs: running.counts.lastOutcomeUs,
    touched: touched.ascending(),
    facts: {
      dc: dc.name,
      worker: plan.worker,
      phase: order.name,
      offered: running.counts.offered,
      dropped: running.counts.dropped,
      slipP50Ms: running.slipMs(50),
      slipP99Ms: running.slipMs(99),
      slipMaxMs: running.slipMs(100),
      eventLoopP99Ms: loopMs(loop.percentile(99)),
      eventLoopMaxMs: loopMs(loop.max),
      utilisation: utilization,
      errors: running.errors,
    },
  })
}

async function close(): Promise<void> {
  ending.abort()
  const closings = await Promise.allSettled([...sessions, ...turnSessions].map((one) => closeSession(one, whose)))
  await ledger.close()
  causes?.close()
  alarm[Symbol.dispose]()
  for (const port of probers) port.close()
  clearInterval(living)
  // Nothing is lost where a session fails to close; one that hangs would be waited for in every run.
  for (const closing of closings) {
    if (closing.status === 'rejected' && closing.reason instanceof BenchError) throw closing.reason
  }
  say({ type: 'closed' })
  main.close()
}

main.on('message', (message: ToGenerator) => {
  if (message.type === 'phase') runPhase(message.order).catch(fail)
  else if (message.type === 'counts') say(countsNow())
  else if (message.type === 'end') generator?.endAt(message.endUs)
  else close().catch(fail)
})

for (const _ of ownWriters()) {
  const { deployPlan, mode, timeoutMs } = plan
  const open = (purpose: SessionOptions['purpose']) =>
    openSession(driver, whose, dc, plan.seen, { plan: deployPlan, mode, timeoutMs, purpose }, ending.signal)
  sessions.push(await open('write'))
  await openTurns(() => open('probe'))
}
say({ type: 'ready' })
