// The container engine of this machine, found as Testcontainers finds it: DOCKER_HOST, its own settings, the usual sockets.
import { getContainerRuntimeClient, ImageName, type ContainerRuntimeClient } from 'testcontainers'
import { BenchError } from '../../contract/errors.ts'
import type { EngineAddress } from './sweep.ts'

type Docker = ContainerRuntimeClient['container']['dockerode']
export type DockerContainer = ReturnType<Docker['getContainer']>

export interface Engine {
  readonly docker: Docker
  readonly address: EngineAddress
  readonly version: string
  /** Where it keeps volumes, on its own machine. */
  readonly rootFolder: string
  /** Pulls an image unless it is there. */
  pull(reference: string): Promise<void>
}

interface Connection {
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number | string
  readonly protocol?: string
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/

/** Throws COMPONENT when none answers, or only one on another machine, whose published ports could not be reached. */
export async function openEngine(): Promise<Engine> {
  // Ports are published on loopback alone. Otherwise a machine that is a container itself is taken to reach them elsewhere.
  process.env.TESTCONTAINERS_HOST_OVERRIDE ??= '127.0.0.1'
  const asked = process.env.DOCKER_HOST
  const client = await getContainerRuntimeClient().catch((error: unknown) => {
    throw new BenchError('COMPONENT', absent(asked), { cause: error })
  })
  const docker = client.container.dockerode
  const address = addressOf(docker.modem as Connection)
  // Where that one is down another is found, which nobody asked for.
  if (asked !== undefined && !isAt(address, asked)) throw new BenchError('COMPONENT', absent(asked))
  const info = (await docker.info()) as { readonly ServerVersion: string; readonly DockerRootDir: string }
  return {
    docker,
    address,
    version: info.ServerVersion,
    rootFolder: info.DockerRootDir,
    pull: (reference) => client.image.pull(ImageName.fromString(reference)),
  }
}

function absent(asked: string | undefined): string {
  return `No container engine answers ${asked === undefined ? 'on this machine' : `at DOCKER_HOST=${asked}`}: start one (Docker is known to do), see that you may use it, or run with --deployment=local.`
}

/** The engine as the variable DOCKER_HOST names it. */
export function hostOf({ socketPath, host, port }: EngineAddress): string {
  return socketPath === undefined ? `tcp://${host}:${port}` : `unix://${socketPath}`
}

function isAt({ socketPath, host, port }: EngineAddress, asked: string): boolean {
  if (!URL.canParse(asked)) return false
  const url = new URL(asked)
  return socketPath === undefined ? url.hostname === host && Number(url.port) === port : url.pathname === socketPath
}

function addressOf({ socketPath, host, port, protocol }: Connection): EngineAddress {
  if (socketPath !== undefined) return { socketPath }
  if (protocol === 'http' && host !== undefined && LOOPBACK.test(host)) return { host, port: Number(port) }
  throw new BenchError(
    'COMPONENT',
    `The container engine at ${protocol}://${host} cannot be used: containers are reached at ports of this machine's loopback address, so that the engine has to be on this machine, at a socket or plain HTTP on loopback.`,
  )
}
