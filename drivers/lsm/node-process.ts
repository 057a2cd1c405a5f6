// The process of one lsm node; its configuration file is named by the first argument.
import { join } from 'node:path'
import { serviceConfig } from '../../bench/lib/service-process.ts'
import { type NodeConfig, runNode } from '../replication/node/node.ts'
import { LevelEngine } from './level-engine.ts'
import { lsmSettings } from './settings.ts'

const config = serviceConfig<NodeConfig>()
await runNode(config, new LevelEngine(join(config.folder, 'level'), lsmSettings(config.settings)))
