// Measures the disk where it runs: inside a DC's network, on a volume as the stores get them.
import type { Address } from '../contract/driver.ts'
import { serveControl } from '../lib/control.ts'
import { announceReady, endWithParent, serviceConfig } from '../lib/service-process.ts'
import { measureGround } from './ground.ts'

export interface GroundProcessConfig {
  readonly control: Address
  readonly folder: string
}

const { control, folder } = serviceConfig<GroundProcessConfig>()
const server = await serveControl(control, { measure: () => measureGround(folder) })
endWithParent(async () => void server.close())
announceReady()
