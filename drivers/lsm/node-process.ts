// The process of one lsm node; its configuration file is named by the first argument.
import { join } from 'node:path'
import { log, serviceConfig } from '../../bench/lib/service-process.ts'
import { needsRecords } from '../replication/node/found-rows.ts'
import { endWith, type NodeConfig, runNode } from '../replication/node/node.ts'
import { LevelEngine } from './level-engine.ts'
import { lsmSettings } from './settings.ts'

const config = serviceConfig<NodeConfig>()
const settings = lsmSettings(config.settings)
const engine = new LevelEngine(join(config.folder, 'level'), settings, needsRecords(config), { log, failed: endWith })
await runNode(config, engine)
