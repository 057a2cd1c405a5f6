// The server's programs where it runs in a container: those of the official image, and the agent, which is in no image and is
// fetched alone into the user's cache.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Provision } from '../../bench/contract/provision.ts'
import type { Container, Place, ServiceFile } from '../../bench/contract/service.ts'
import { isProvided, provisionFolder } from '../../bench/lib/provision-folder.ts'
import { findMaven } from './java.ts'
import type { JavaProgram } from './java-command.ts'

/** The image's user, and a folder of its own on its volume. */
export const CONTAINER: Container = { image: 'cassandra', user: '999:999', folder: '/var/lib/cassandra/geowrite' }

/** Java is on the image's path; the asterisk is Java's own way to name all jars of a folder. */
const JARS = '/opt/cassandra/lib/*'
const AGENT_FILE = 'agent.jar'
const GROUP = 'org.jolokia'
const ARTIFACT = 'jolokia-agent-jvm'
const CLASSIFIER = 'javaagent'
const FETCH_MS = 120_000

/** As the pom pins it. */
function agentVersion(): string {
  const pom = readFileSync(new URL('./pom.xml', import.meta.url), 'utf8')
  const [, version] = new RegExp(`<artifactId>${ARTIFACT}</artifactId>\\s*<version>([^<]+)</version>`).exec(pom) ?? []
  return version
}

function identity(): { readonly name: string; readonly key: string } {
  return { name: 'cassandra-agent', key: `${GROUP}:${ARTIFACT}:${agentVersion()}:${CLASSIFIER}` }
}

/** How to get the agent. */
export function agentProvision(): Provision {
  const version = agentVersion()
  return {
    ...identity(),
    ports: [],
    files: () => [],
    steps: [
      {
        what: 'fetching the agent that answers for Cassandra’s MBeans with Maven (0.7 MB)',
        command: ({ folder }) => ({
          program: findMaven() ?? 'mvn',
          args: [
            '--batch-mode',
            '--quiet',
            'dependency:copy',
            `-Dartifact=${GROUP}:${ARTIFACT}:${version}:jar:${CLASSIFIER}`,
            `-DoutputDirectory=${folder}`,
          ],
          env: process.env as Record<string, string>,
        }),
        timeoutMs: FETCH_MS,
      },
    ],
    remedy: 'see that Maven reaches its repository, and run again',
  }
}

/** The agent as a file of the service. */
export function agentFile(): ServiceFile {
  const jar = `${ARTIFACT}-${agentVersion()}-${CLASSIFIER}.jar`
  return { path: AGENT_FILE, copyOf: join(provisionFolder(identity()), jar) }
}

export function imageProgram({ folder }: Pick<Place, 'folder'>): JavaProgram {
  return { java: 'java', jars: [JARS], agent: join(folder, AGENT_FILE) }
}

/** A sentence for what is missing on this machine, and how to get it. */
export function missingForImage(): string | undefined {
  if (isProvided(identity()) || findMaven() !== undefined) return undefined
  return 'Maven is not there to fetch the agent that answers for Cassandra’s MBeans: install it (Debian: apt-get install maven)'
}
