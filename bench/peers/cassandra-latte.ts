// Single prepared upserts on Cassandra against latte, a load tool in Rust: reported, as no Node client can be as cheap.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Comparison, Sample } from './comparison.ts'
import { addressText, CQL_PORT, profilesOn } from './cassandra-ground.ts'
import { Deployed, missingFor } from './deployed.ts'
import { missingProgram, programAt, ProgramRunner } from './programs.ts'
import { BenchError } from '../contract/errors.ts'

/** The version that the workload file and the report were tried with. */
const VERSION = '0.29.0'
const MISSING = `latte is not installed: cargo install latte-cli --version ${VERSION} --locked (about ten minutes; needs Rust).`
const WORKLOAD = fileURLToPath(new URL('./cassandra-latte.rn', import.meta.url))

/** What is read of latte's report. */
interface LatteReport {
  readonly result: {
    readonly elapsed_time_s: number
    readonly cpu_time_s: number
    readonly request_count: number
    readonly error_count: number
    readonly errors: readonly string[]
  }
}

function sampleOf(path: string): Sample {
  const { result } = JSON.parse(readFileSync(path, 'utf8')) as LatteReport
  if (result.error_count > 0) {
    throw new BenchError('STORE', `latte counted ${result.error_count} failed writes: ${result.errors.join('; ')}.`)
  }
  return { amount: result.request_count, seconds: result.elapsed_time_s, cpuSeconds: result.cpu_time_s }
}

const options = profilesOn('single')

export const cassandraLatte: Comparison = {
  name: 'cassandra-latte',
  what: 'Cassandra, single prepared upserts',
  peer: `latte ${VERSION}`,
  unit: 'rows',
  target: null,

  async missing(registry) {
    return missingProgram('latte', MISSING) ?? (await missingFor(options, registry))
  },

  async open(order, cleanup) {
    const program = programAt('latte', MISSING)
    const deployed = await Deployed.open(options, order, cleanup)
    const { signal, inFlight, dc, ports, workloadOptions } = deployed
    const runner = new ProgramRunner(order, signal)
    let turn = 0
    const peer = async (durationMs: number) => {
      const report = join(order.folder, `latte-${++turn}.json`)
      const asked = {
        '--duration': `${durationMs} ms`,
        '--threads': '1',
        '--concurrency': String(inFlight),
        '--consistency': 'LOCAL_QUORUM',
        '--datacenter': dc,
        '--retries': '0',
        '--output': report,
      }
      const parameters = [`rows=${workloadOptions.rows}`, `started_us=${Date.now() * 1000}`].flatMap((value) => [
        '-P',
        value,
      ])
      const args = ['run', '--quiet', ...Object.entries(asked).flat(), ...parameters]
      await runner.run('latte', { program, args: [...args, WORKLOAD, addressText(ports[CQL_PORT])] })
      return sampleOf(report)
    }
    return { geowrite: deployed.side, peer: { turn: peer }, settle: () => deployed.settle() }
  },
}
