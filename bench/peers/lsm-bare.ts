// geowrite's LevelDB node against a bare loop over the same library: what the node costs where it is written to, and where it
// applies what another DC wrote.
import { BenchError } from '../contract/errors.ts'
import { delay } from '../lib/clock.ts'
import { moduleExport } from '../stages/thread-plan.ts'
import type { Comparison, ContestOrder, Sample, Side } from './comparison.ts'
import { Deployed, missingFor } from './deployed.ts'
import { BATCH_ROWS, boundedTurn, LSM_OPTIONS } from './lsm-ground.ts'
import { startPeer } from './peer-process.ts'
import type { RowsOrder } from './made-rows.ts'

/** What the loop is told. */
export interface LsmLoopOrder {
  readonly folder: string
  readonly workload: ReturnType<typeof moduleExport>
  readonly rows: RowsOrder
  /** The node's settings. */
  readonly settings: Readonly<Record<string, string>>
  /** Whether a log entry is written with each batch, which only the node that is written to does. */
  readonly logs: boolean
}

const LOOP = new URL('./lsm-loop.ts', import.meta.url)
const PEER = 'bare classic-level loop'
const LOOK_EVERY_MS = 5
const DRAIN_MS_MAX = 60_000

function startLoop(
  deployed: Deployed,
  logs: boolean,
  { folder, signal }: ContestOrder,
  cleanup: AsyncDisposableStack,
): Promise<Side> {
  const { system, workload, rows } = deployed
  if (system.batchRows !== BATCH_ROWS) throw new TypeError(`batches of ${system.batchRows} rows`)
  const loop: LsmLoopOrder = {
    folder,
    workload: moduleExport(workload),
    rows,
    settings: system.settings,
    logs,
  }
  return startPeer(LOOP, PEER, loop, signal, cleanup)
}

/** Writes while the other DC stands still, lets it go on, and tells how long it takes to apply all of that. */
async function drain(deployed: Deployed, durationMs: number): Promise<Sample> {
  await deployed.pauseOthers()
  const { amount, cpuSeconds } = await deployed.turn(durationMs, null)
  const startMs = performance.now()
  await deployed.resumeOthers()
  while ((await deployed.hasBacklog()) !== false) {
    if (performance.now() > startMs + DRAIN_MS_MAX) {
      throw new BenchError('STORE', 'The other node does not catch up: its log says why.')
    }
    await delay(LOOK_EVERY_MS, deployed.signal)
  }
  const seconds = (performance.now() - startMs) / 1000
  await deployed.proveEqual()
  if ((await deployed.ownCounter('apply_reads_rows')) !== 0) {
    throw new TypeError('the node read rows, and the loop does not')
  }
  return { amount, seconds, cpuSeconds }
}

export const lsmBare: readonly Comparison[] = [
  {
    name: 'lsm-write-bare',
    what: 'LevelDB node, batches of 500, 8 under way, the other DC standing still',
    peer: PEER,
    unit: 'rows',
    target: 0.8,
    missing: (registry) => missingFor(LSM_OPTIONS, registry),
    async open(order, cleanup) {
      const deployed = await Deployed.open(LSM_OPTIONS, order, cleanup)
      const loop = await startLoop(deployed, true, order, cleanup)
      await deployed.pauseOthers()
      cleanup.defer(() => deployed.resumeOthers())
      return {
        geowrite: boundedTurn(deployed.side),
        peer: boundedTurn(loop),
        settle: () => Promise.resolve(),
      }
    },
  },
  {
    name: 'lsm-apply-bare',
    what: 'LevelDB node draining the log of another DC, both nodes and the relay on the same two cores',
    peer: `${PEER}, no log entries`,
    unit: 'rows',
    target: 0.8,
    missing: (registry) => missingFor(LSM_OPTIONS, registry),
    async open(order, cleanup) {
      const deployed = await Deployed.open(LSM_OPTIONS, order, cleanup)
      const loop = await startLoop(deployed, false, order, cleanup)
      return {
        geowrite: boundedTurn({ turn: (durationMs) => drain(deployed, durationMs) }),
        peer: boundedTurn(loop),
        settle: () => Promise.resolve(),
      }
    },
  },
]
