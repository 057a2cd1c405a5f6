// The process of one memory node; its configuration file is named by the first argument.
import { serviceConfig } from '../../bench/lib/service-process.ts'
import { type NodeConfig, runNode } from '../replication/node/node.ts'
import { MemoryEngine } from './memory-engine.ts'
import { PlantedFaults } from './planted-faults.ts'
import { memorySettings } from './settings.ts'

const config = serviceConfig<NodeConfig>()
const settings = memorySettings(config.settings)
const engine = new MemoryEngine(config.settings)
const faults = new PlantedFaults(settings, config, engine)
if (settings.durable) engine.makeDurable({ folder: config.folder, forgetting: faults })
await runNode(config, engine, faults)
