// geowrite's LevelDB node beside RocksDB under its own load tool: another engine with nothing around it, to see what a tree can do here.
import { join } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import type { Comparison, Sample } from './comparison.ts'
import { Deployed, missingFor } from './deployed.ts'
import { BATCH_ROWS, boundedTurn, LSM_OPTIONS } from './lsm-ground.ts'
import { missingProgram, programAt, ProgramRunner } from './programs.ts'

const MISSING =
  'db_bench is not on the PATH: apt-get install rocksdb-tools, or build it from RocksDB’s sources (make db_bench).'
/** A row's name and its record, the latter of middling length. */
const KEY_BYTES = 9
const VALUE_BYTES = 215
const RESULT = /^\w+ *: +[\d.]+ micros\/op (?<rate>\d+) ops\/sec (?:(?<seconds>[\d.]+) seconds )?/m

/** db_bench counts rows, not batches. */
function sampleOf(text: string, askedSeconds: number, cpuSeconds: number): Sample {
  const { rate, seconds = String(askedSeconds) } = RESULT.exec(text)?.groups ?? {}
  if (rate === undefined) throw new BenchError('COMPONENT', 'db_bench printed no result that can be read.')
  return { amount: Number(rate) * Number(seconds), seconds: Number(seconds), cpuSeconds }
}

export const lsmDbBench: Comparison = {
  name: 'lsm-db-bench',
  what: 'LevelDB node, batches of 500, 8 under way, the other DC standing still',
  peer: 'db_bench (RocksDB), overwrite, batches of 500, no log entries',
  unit: 'rows',
  target: null,

  async missing(registry) {
    return missingProgram('db_bench', MISSING) ?? (await missingFor(LSM_OPTIONS, registry))
  },

  async open(order, cleanup) {
    const program = programAt('db_bench', MISSING)
    const deployed = await Deployed.open(LSM_OPTIONS, order, cleanup)
    const runner = new ProgramRunner(order, deployed.signal)
    const flags = {
      db: join(order.folder, 'rocksdb'),
      num: deployed.workloadOptions.rows,
      key_size: KEY_BYTES,
      value_size: VALUE_BYTES,
      batch_size: BATCH_ROWS,
      compression_type: 'none',
      write_buffer_size: deployed.system.settings['write_buffer_bytes'],
      cache_size: deployed.system.settings['block_cache_bytes'],
      sync: 0,
      seed: deployed.seed,
    }
    const run = (benchmark: string, more: Readonly<Record<string, number>>) => {
      const all = Object.entries({ benchmarks: benchmark, ...flags, ...more })
      return runner.run('db_bench', { program, args: all.map(([name, value]) => `--${name}=${value}`) })
    }
    await run('fillrandom', {})
    await deployed.pauseOthers()
    cleanup.defer(() => deployed.resumeOthers())
    const peer = async (durationMs: number): Promise<Sample> => {
      const seconds = Math.max(1, Math.round(durationMs / 1000))
      const { text, cpuSeconds } = await run('overwrite', { use_existing_db: 1, duration: seconds })
      return sampleOf(text, seconds, cpuSeconds)
    }
    return {
      geowrite: boundedTurn(deployed.side),
      peer: boundedTurn({ turn: peer }),
      settle: () => Promise.resolve(),
    }
  },
}
