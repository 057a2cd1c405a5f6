// The server's programs: jars that Maven fetches into the user's cache, and an archive of the loaded classes, made once by
// starting a server and ending it again, with which a JVM starts in half of the time.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Provision } from '../../bench/contract/provision.ts'
import { isProvided, provisionFolder } from '../../bench/lib/provision-folder.ts'
import { findJava, findMaven, requiredJava, type Java } from './java.ts'
import { serverCommand, type JavaProgram } from './java-command.ts'
import { agentPort, cqlPort, internodePort, seedOf } from './names.ts'
import { nodeFiles } from './node-config.ts'
import type { CassandraSettings } from './settings.ts'

const NAME = 'cassandra'
const ARCHIVE_FILE = 'classes.jsa'
const JAR_FOLDER = 'lib'
const AGENT_PREFIX = 'jolokia-agent-jvm'
const FETCH_MS = 600_000
const ARCHIVE_MS = 180_000

const pom = (): string => readFileSync(new URL('./pom.xml', import.meta.url), 'utf8')
/** What the archive holds depends on the Java and on the options that it was made with. */
const ARCHIVE_FORM = 1

function identity({ home, version }: Java): { readonly name: string; readonly key: string } {
  return { name: NAME, key: [pom(), home, version, process.arch, ARCHIVE_FORM].join('\n') }
}

function programIn(folder: string, { home }: Java, use: NonNullable<JavaProgram['archive']>['use']): JavaProgram {
  const all = readdirSync(join(folder, JAR_FOLDER))
    .filter((name) => name.endsWith('.jar'))
    .sort()
  const path = (name: string) => join(folder, JAR_FOLDER, name)
  return {
    java: join(home, 'bin', 'java'),
    jars: all.filter((name) => !name.startsWith(AGENT_PREFIX)).map(path),
    agent: path(all.find((name) => name.startsWith(AGENT_PREFIX)) ?? `${AGENT_PREFIX}.jar`),
    archive: { path: join(folder, ARCHIVE_FILE), use },
  }
}

/** How to make the programs. Throws COMPONENT without a Java to run them. */
export function cassandraProvision(settings: CassandraSettings): Provision {
  const java = requiredJava(settings.java)
  const node = { dc: { name: 'warm-up', index: 0 }, copy: 0 }
  return {
    ...identity(java),
    ports: [cqlPort(0), internodePort(0), agentPort(0)],
    files: ({ folder, ports }) => {
      // Nobody listens to the agent: it is left out of the archive, which a JVM with an agent may use but not make.
      const place = { folder: join(folder, NAME), ports }
      const files = nodeFiles(node, [seedOf(node, ports[internodePort(0)].port)], place, settings, 'none')
      return [
        { path: 'pom.xml', content: pom() },
        ...files.map(({ path, content }) => ({ path: join(NAME, path), content })),
      ]
    },
    steps: [
      {
        what: 'fetching Cassandra with Maven (66 MB)',
        command: ({ folder }) => ({
          program: findMaven() ?? 'mvn',
          args: [
            '--batch-mode',
            '--quiet',
            `--file=${join(folder, 'pom.xml')}`,
            'dependency:copy-dependencies',
            `-DoutputDirectory=${join(folder, JAR_FOLDER)}`,
            '-DincludeScope=runtime',
          ],
          // The user's own repository, mirrors and proxies.
          env: { ...(process.env as Record<string, string>), JAVA_HOME: java.home },
        }),
        timeoutMs: FETCH_MS,
      },
      {
        what: 'starting Cassandra once to archive its classes',
        command: ({ folder }) => serverCommand(programIn(folder, java, 'make'), join(folder, NAME), settings),
        ready: { type: 'port', port: cqlPort(0) },
        timeoutMs: ARCHIVE_MS,
      },
    ],
    remedy: 'see that Maven reaches its repository and that the disk has room, and run again',
  }
}

/** The programs as provided. */
export function cassandraProgram(settings: CassandraSettings): JavaProgram {
  const java = requiredJava(settings.java)
  return programIn(provisionFolder(identity(java)), java, 'read')
}

/** A sentence for what is missing, and how to get it. */
export function missingPrograms(javaHome: string): string | undefined {
  const java = findJava(javaHome)
  if (typeof java === 'string') return java
  if (isProvided(identity(java)) || findMaven() !== undefined) return undefined
  return 'Maven is not there to fetch Cassandra’s jars: install it (Debian: apt-get install maven)'
}
