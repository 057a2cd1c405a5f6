// Where one service was placed: its addresses in the networks of DCs, its ports inside and on loopback, and the container that follows from them.
import { posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from '../../contract/driver.ts'
import { BenchError } from '../../contract/errors.ts'
import type { Container, Place, Service } from '../../contract/service.ts'
import { archiveEntries, userOf } from './container-files.ts'
import type { ContainerLimits, ContainerPlan } from './run-container.ts'
import { startScript } from './start-script.ts'

/** Where docker/node/Dockerfile puts this project. */
const IMAGE_ROOT = '/geowrite'
const PROJECT_ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SCRIPT_FILE = 'start.sh'
/** Ports inside a container count from here: above those of the system, below those for outgoing connections. */
const FIRST_PORT = 20_001

export interface Placement {
  readonly service: Service
  readonly container: Container
  /** By DC: the network that it is in, and its address there; its own DC first. */
  readonly networks: readonly { readonly dc: string; readonly name: string; readonly address: string }[]
  /** Loopback addresses of this machine, in the order of the service's ports. */
  readonly outside: readonly Address[]
}

/** The number of a service's port inside its container. */
export function portInside({ service }: Placement, port: string): number {
  return FIRST_PORT + service.ports.indexOf(port)
}

/** Where a service listens: at its own address, or in all networks where it joins several. */
export function listens(placement: Placement): Readonly<Record<string, Address>> {
  const { service, networks } = placement
  const host = networks.length > 1 ? '0.0.0.0' : networks[0].address
  return Object.fromEntries(service.ports.map((port) => [port, { host, port: portInside(placement, port) }]))
}

/** Where the harness reaches it. */
export function published({ service, outside }: Placement): Readonly<Record<string, Address>> {
  return Object.fromEntries(service.ports.map((port, i) => [port, outside[i]]))
}

/** The path of a source file of this project in its image. */
export function sourceInImage(module: URL): string {
  const path = relative(PROJECT_ROOT, fileURLToPath(module))
  if (path.startsWith('..'))
    throw new BenchError(
      'SCENARIO',
      `${fileURLToPath(module)} is not part of geowrite and so not in its image: bring the driver into drivers/, or run it with --deployment=local.`,
    )
  return posix.join(IMAGE_ROOT, ...path.split(/[/\\]/))
}

interface Naming {
  readonly name: string
  readonly image: string
  readonly labels: Record<string, string>
  readonly limits: ContainerLimits
}

/** The container of a service: its files, and its command, or a script where it has something to set up first. */
export function containerPlan(placement: Placement, place: Place, naming: Naming): ContainerPlan {
  const { service, container, networks } = placement
  const { folder, user } = container
  const setup = service.setup(place)
  const command = service.command(place)
  const script = setup.length === 0 ? [] : [{ path: SCRIPT_FILE, content: startScript(folder, setup, command) }]
  return {
    ...naming,
    networks,
    ports: service.ports.map((port, i) => ({
      inside: portInside(placement, port),
      outside: placement.outside[i].port,
    })),
    user,
    folder,
    files: archiveEntries(folder, userOf(user), [...service.files(place), ...script]),
    entrypoint: setup.length === 0 ? [command.program, ...command.args] : ['/bin/sh', posix.join(folder, SCRIPT_FILE)],
    env: { HOME: folder, TMPDIR: folder, ...(setup.length === 0 ? command.env : {}) },
  }
}
