// Test services as containers, and what tests ask of the engine. They run where GEOWRITE_DOCKER is set (npm run docker-tests).
import { fileURLToPath } from 'node:url'
import type { BenchError } from '../../contract/errors.ts'
import type { Service } from '../../contract/service.ts'
import { listened, testService } from '../service.fixture.ts'
import type { DockerDeployment } from './docker.ts'
import { sessionLabel } from './labels.ts'
import type { ContainerLimits } from './run-container.ts'
import { labelled } from './sweep.ts'

/** Options of a test that needs an engine. */
export const DOCKER_TEST = {
  timeout: 120_000,
  skip: process.env.GEOWRITE_DOCKER === undefined ? 'GEOWRITE_DOCKER is not set' : false,
}

const FIXTURE = fileURLToPath(new URL('../service.fixture.ts', import.meta.url))
const FOLDER = '/data/of service'

let runs = 0

/** The test service, which brings its program along: images hold no tests. It listens first, or where `acts` says `listen`. */
export function containerService(name: string, acts: readonly string[], change: Partial<Service> = {}): Service {
  const plain = testService(name, acts)
  return {
    ...plain,
    files: (place) => [...plain.files(place), { path: 'program/service.ts', copyOf: FIXTURE }],
    command: (place) => {
      const listen = `listen=${listened(place.ports[`main ${name}`])}`
      const done = acts.includes('listen') ? acts.map((act) => (act === 'listen' ? listen : act)) : [listen, ...acts]
      return { program: 'node', args: [`${place.folder}/program/service.ts`, ...done] }
    },
    readyTimeoutMs: 30_000,
    container: { image: 'geowrite', user: '1000:1000', folder: FOLDER },
    ...change,
  }
}

/** What it stands on takes a second to load, which tests that are skipped need not wait for. */
export async function openDocker(
  onDeath: (error: BenchError) => void = () => undefined,
  limits: ContainerLimits = {},
  runId = `test-${process.pid}-${runs++}`,
): Promise<DockerDeployment> {
  const { DockerDeployment } = await import('./docker.ts')
  return DockerDeployment.open({ runId, images: {}, limits, progress: () => undefined, onDeath })
}

export async function started(
  services: readonly Service[],
  onDeath?: (error: BenchError) => void,
  limits?: ContainerLimits,
): Promise<DockerDeployment> {
  const deployment = await openDocker(onDeath, limits)
  await deployment.place(services)
  await deployment.start('deploy', new AbortController().signal, () => undefined)
  return deployment
}

/** How many containers, networks and volumes of a run the engine has. */
export async function leftOf(runId: string): Promise<number> {
  return (await labelsOfAll(sessionLabel(runId))).length
}

/** The labels of everything at the engine that carries `label`. */
export async function labelsOfAll(label: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const { openEngine } = await import('./engine.ts')
  const { containers, networks, volumes } = await labelled((await openEngine()).address, label)
  return [...containers, ...networks, ...volumes].map(({ labels }) => labels)
}
