// A bench with something from outside that hangs, with bounds that a test can wait for; as a process of its own it ends as the command
// line would.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { runBench } from './bench.ts'
import { abortOnSignals } from './cli/run.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { EXIT, messageOf } from './contract/errors.ts'
import { endingOf } from './contract/machine-limits.ts'
import { LIMITS, type Limits } from './contract/limits.ts'
import { withOutside } from './outside.ts'
import { silent } from './silent.fixture.ts'

const SHORT = { quick: true, rows: '200', rate: '400', duration: '1s', warmup: '0s', delay: '2ms', timeout: '300ms' }

/**
 * Runs `./hang.ts` of `folder` as the driver or the workload; data and results go into the folder. `own` are the bounds of what hangs:
 * what is healthy keeps its long ones, on a machine that others load too.
 */
export async function benchWithHanging(folder: string, as: 'driver' | 'workload', own: Partial<Limits>) {
  const options = { ...SHORT, driver: 'noop', out: join(folder, 'results'), data: join(folder, 'data') }
  const asked = parseScenario({ ...options, [as]: './hang.ts' })
  const { scenario, registry } = await withOutside(
    asked,
    { drivers, workloads },
    { folder, limits: { ...LIMITS, tableUsPerRow: 0, ...own } },
  )
  const { signal, release } = abortOnSignals(registry)
  try {
    return await runBench(scenario, registry, 'test', silent, signal)
  } catch (error) {
    throw endingOf(signal.aborted ? signal.reason : error) ?? error
  } finally {
    release()
  }
}

if (import.meta.main) {
  const [folder, limits] = process.argv.slice(2)
  try {
    await benchWithHanging(folder, 'driver', JSON.parse(limits) as Partial<Limits>)
    rmSync(join(folder, 'results'), { recursive: true, force: true })
  } catch (error) {
    process.stderr.write(`geowrite: ${messageOf(error)}\n`)
    process.exit(endingOf(error)?.exit ?? EXIT.bug)
  }
}
