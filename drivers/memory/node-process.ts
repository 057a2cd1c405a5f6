// The process of one memory node; its configuration file is named by the first argument.
import { serviceConfig } from '../../bench/lib/service-process.ts'
import { type NodeConfig, runNode } from '../replication/node/node.ts'
import { MemoryEngine } from './memory-engine.ts'
import { PlantedFaults } from './planted-faults.ts'
import { memorySettings } from './settings.ts'

const config = serviceConfig<NodeConfig>()
const faults = new PlantedFaults(memorySettings(config.settings), config.seed)
await runNode(config, new MemoryEngine(config.settings), faults)
