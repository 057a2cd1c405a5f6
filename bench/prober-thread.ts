// The thread of one DC's prober: takes probed rows from the generators of the other DCs and stores how each probe ended.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { closeSession, openSession } from './bounds/session-calls.ts'
import { whoseDriver } from './bounds/whose.ts'
import { PROBES, PROBE_STATE } from './lib/ledger-format.ts'
import { ColumnWriter } from './measure/column-writer.ts'
import { Prober } from './measure/prober.ts'
import {
  ALIVE_TIMES,
  failure,
  loadDriver,
  type FromProber,
  type ProbeMessage,
  type ProberThreadPlan,
  type ToProber,
} from './stages/thread-plan.ts'

const { plan, sources } = workerData as { plan: ProberThreadPlan; sources: readonly MessagePort[] }
const main = parentPort as MessagePort
const say = (message: FromProber) => main.postMessage(message)
const fail = (error: unknown) => say(failure(error, plan.driver))
process.on('uncaughtException', fail)

const driver = await loadDriver(plan.driver)
const whose = whoseDriver(plan.driver, driver.name)
const live = () => say({ type: 'alive' })
live()
const living = setInterval(live, plan.silentMs / ALIVE_TIMES)
const { deployPlan, mode, timeoutMs, epochUs } = plan
const dc = deployPlan.dcs[plan.dcIndex]
const ending = new AbortController()
const how = { plan: deployPlan, mode, timeoutMs, purpose: 'probe' } as const
const session = await openSession(driver, whose, dc, plan.seen, how, ending.signal)
const writer = new ColumnWriter(PROBES, plan.path)
let seen = 0

const prober = new Prober(session, timeoutMs + whose.limits.graceMs, (probe) => {
  if (probe.state === PROBE_STATE.hit || probe.state === PROBE_STATE.overshadowed) seen++
  const at = writer.next()
  const { block } = writer
  block.key[at] = probe.key
  block.dot[at] = probe.dot
  block.sentUs[at] = probe.sentUs - epochUs
  block.missSentUs[at] = probe.missSentUs - epochUs
  block.hitReturnedUs[at] = probe.hitReturnedUs - epochUs
  block.state[at] = probe.state
})

async function close(): Promise<void> {
  prober.end()
  writer.close()
  ending.abort()
  for (const source of sources) source.close()
  clearInterval(living)
  await closeSession(session, whose)
  const { asked, dropped, reads, readErrors } = prober
  say({ type: 'closed', facts: { dc: dc.name, asked, dropped, reads, readErrors } })
  main.close()
}

for (const source of sources) {
  source.on('message', (message: ProbeMessage) => {
    if (message.type === 'raise') prober.raise(message.dots, message.versions)
    else prober.watch(message.sentUs, message.keys, message.dots, message.versions)
  })
}
main.on('message', (message: ToProber) => {
  if (message.type === 'counts') say({ type: 'counts', asked: prober.asked, seen, waiting: prober.waiting })
  else close().catch(fail)
})
say({ type: 'ready' })
