// The disk that the stores stand on, measured where they will be.
import type { RunFacts } from '../contract/run-folder.ts'
import type { Topology } from '../contract/topology.ts'
import type { Deployment } from '../deploy/deployment.ts'
import { ControlClient } from '../lib/control.ts'
import { processService } from '../lib/process-service.ts'
import { measureGround, noGround } from '../measure/ground.ts'
import type { GroundProcessConfig } from '../measure/ground-process.ts'

const PROCESS = new URL('../measure/ground-process.ts', import.meta.url)
const CONTROL_PORT = 'ground control'

/** What measures the disk of a deployment in containers; none where services are processes, or on other machines. */
export function groundServices({ volumes }: Deployment, { dcs: [{ name: dc }] }: Topology) {
  if (volumes === undefined) return []
  return [
    processService({
      name: 'ground',
      dc,
      // It comes before the stores and is no part of them.
      role: 'link',
      ports: [CONTROL_PORT],
      reaches: [],
      script: PROCESS,
      config: ({ ports, folder }): GroundProcessConfig => ({ control: ports[CONTROL_PORT], folder }),
    }),
  ]
}

/** Once the services above run; they are ended. */
export async function groundOf(
  deployment: Deployment,
  { dcs: [{ name: dc }] }: Topology,
  storesAreHere: boolean,
): Promise<RunFacts['ground']> {
  const { folder, volumes } = deployment
  if (!storesAreHere) return noGround(folder)
  if (volumes === undefined) return measureGround(folder)
  const client = await ControlClient.open(deployment.endpoints()[dc][CONTROL_PORT])
  const ground = await client.ask<RunFacts['ground']>('measure')
  client.close()
  await deployment.shutDown('ground')
  return { ...ground, folder: volumes }
}
