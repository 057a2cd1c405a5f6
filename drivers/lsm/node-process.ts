// The process of one lsm node; its configuration file is named by the first argument.
import { join } from 'node:path'
import { BenchError } from '../../bench/contract/errors.ts'
import { log, serviceConfig } from '../../bench/lib/service-process.ts'
import { needsRecords } from '../replication/node/found-rows.ts'
import { type NodeConfig, runNode } from '../replication/node/node.ts'
import { LevelEngine } from './level-engine.ts'
import { lsmSettings } from './settings.ts'

/** A node whose storage cannot be trusted any more ends at once: every further answer might be wrong. */
function failed(failure: BenchError): never {
  log(failure.message)
  process.exit(1)
}

const config = serviceConfig<NodeConfig>()
const settings = lsmSettings(config.settings)
const engine = new LevelEngine(join(config.folder, 'level'), settings, needsRecords(config), { log, failed })
try {
  await runNode(config, engine)
} catch (error) {
  if (error instanceof BenchError) failed(error)
  throw error
}
