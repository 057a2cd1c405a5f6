// The first half of a run: deploy, verify the links, create and load the table, make the DCs replicate, start the threads.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openAdmin } from '../bounds/bounded-admin.ts'
import { whoseDriver } from '../bounds/whose.ts'
import type { Admin, DeployPlan } from '../contract/driver.ts'
import { messageOf } from '../contract/errors.ts'
import type { StoreDescription } from '../contract/store-words.ts'
import { RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import type { Topology } from '../contract/topology.ts'
import { orReason } from '../lib/abort.ts'
import { ContentMaker } from '../lib/content.ts'
import { provide } from '../deploy/provision.ts'
import type { RunContext } from '../run.ts'
import { deployPlanOf, systemName, topologyOf } from '../systems.ts'
import { placeKindOf } from './deployments.ts'
import { differingBuckets, digestsOf } from './digests.ts'
import { faultsFor } from './fault-ground.ts'
import { House } from './house.ts'
import { Journal } from './journal.ts'
import { loadedRows } from './loading.ts'
import { Sampler } from './sampler.ts'
import { startThreads } from './start-threads.ts'
import type { Threads } from './threads.ts'
import type { FoundFault } from '../faults/fault-kind.ts'

const LOADED_BUCKETS = 64

/** A system that is deployed, loaded and ready to be written to, and everything that the second half needs. */
export interface OpenedRun {
  readonly topology: Topology
  readonly plan: DeployPlan
  readonly content: ContentMaker
  readonly journal: Journal
  readonly house: House
  readonly faults: readonly FoundFault[]
  readonly admin: Admin
  readonly threads: Threads
  readonly sampler: Sampler
  readonly store: StoreDescription
  readonly loading: RunFacts['loading']
  /** Whether all DCs began with equal rows, proved by digest; null where the store cannot be read. */
  readonly startedEqual: boolean | null
  /** Aborted when the run is interrupted or a service dies. */
  readonly signal: AbortSignal
  /** Ends everything, the last thing started first. */
  readonly cleanup: AsyncDisposableStack
}

/** The one-way delays of the links, in ms: one, or from the shortest to the longest. */
function delaysText({ links }: Topology): string {
  const delaysMs = links.map(({ delayMs }) => delayMs)
  const [least, most] = [Math.min(...delaysMs), Math.max(...delaysMs)]
  return least === most ? `${least} ms` : `${least} to ${most} ms`
}

/** Ends the admin; on servers that were not deployed, what the run made there first, and before it what still uses that. */
async function endAdmin(admin: Admin, house: House, note: (sentence: string) => void): Promise<void> {
  await using _last = admin
  if (admin.remove === undefined || house.storesAreHere) return
  try {
    await house.endReplication()
    await admin.remove()
  } catch (error) {
    // The run is over either way, and what it found stands.
    note(`what it made on your servers is not all removed, which the next run there does: ${messageOf(error)}`)
  }
}

/** Deploys and loads. What was started is ended again when it fails. */
export async function openRun(context: RunContext): Promise<OpenedRun> {
  const { scenario, system, workload, folder, progress } = context
  const { driver } = system.entry
  const step = (text: string) => progress.step(`${systemName(system)}: ${text}`)
  await using cleanup = new AsyncDisposableStack()
  const topology = topologyOf(scenario)
  const dcNames = topology.dcs.map((dc) => dc.name)
  const plan = deployPlanOf(system, scenario, workload, randomBytes(16).toString('hex'))
  const content = new ContentMaker(plan.table.columns, scenario.seed)
  mkdirSync(join(folder, RUN_FILES.ledger), { recursive: true })
  const journal = new Journal(folder)
  cleanup.defer(() => journal.close())

  if (plan.external === undefined)
    await provide(driver.provisions?.(plan.settings, placeKindOf(scenario)) ?? [], context.signal, step)
  const where = dcNames.join(', ')
  step(
    plan.external === undefined
      ? `starting ${where}, ${delaysText(topology)} apart`
      : `reaching your servers in ${where}`,
  )
  const house = cleanup.use(await House.open(driver, plan, topology, scenario, context.signal, step))
  const signal = AbortSignal.any([context.signal, house.died])
  journal.event('stage', 'deployed')
  const whose = whoseDriver(system.entry, driver.name)
  const admin = await orReason(openAdmin(driver, whose, house.endpoints(), plan, signal), signal)
  cleanup.defer(() => endAdmin(admin, house, (text) => progress.note(`${systemName(system)}: ${text}`)))
  await orReason(admin.prepare(), signal)
  const store = await orReason(admin.describe(), signal)

  const rows = plan.table.rows.toLocaleString('en-US')
  step(`loading ${rows} rows into each DC`)
  const startedMs = performance.now()
  const telling = (done: number) => progress.live(`${Math.round((100 * done) / plan.table.rows)} %`)
  await orReason(admin.load(loadedRows(plan.table, content), telling), signal)
  const loading = { seconds: (performance.now() - startedMs) / 1000, how: 'loaded in each DC' }
  const startedEqual = system.replication.capabilities.readable
    ? differingBuckets(await orReason(digestsOf(admin, dcNames, { buckets: LOADED_BUCKETS }), signal)).length === 0
    : null
  journal.event('stage', 'loaded', rows)

  await orReason(admin.replicate(house), signal)
  await orReason(house.startReplication(signal), signal)
  const faults = faultsFor(scenario, system, plan, topology)
  const sampler = new Sampler(folder, house, admin, journal.epoch.monotonicUs, faults.length > 0)
  cleanup.defer(() => sampler.close())
  const threads = cleanup.use(
    await orReason(startThreads(context, plan, house, journal.epoch.monotonicUs, journal.epoch.wallMs * 1000), signal),
  )
  return {
    topology,
    plan,
    content,
    journal,
    house,
    faults,
    admin,
    threads,
    sampler,
    store,
    loading,
    startedEqual,
    signal,
    cleanup: cleanup.move(),
  }
}
