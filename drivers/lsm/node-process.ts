// The process of one lsm node; its configuration file is named by the first argument.
import { join } from 'node:path'
import { serviceConfig } from '../../bench/lib/service-process.ts'
import { needsRecords } from '../replication/node/found-rows.ts'
import { type NodeConfig, runNode } from '../replication/node/node.ts'
import { LevelEngine } from './level-engine.ts'
import { lsmSettings } from './settings.ts'

const config = serviceConfig<NodeConfig>()
const engine = new LevelEngine(join(config.folder, 'level'), lsmSettings(config.settings), needsRecords(config))
await runNode(config, engine)
