// The command that starts one server's JVM.
import { join } from 'node:path'
import type { Command } from '../../bench/contract/service.ts'
import { AGENT_CONFIG_FILE, CONFIG_FILE, LOG_CONFIG_FILE } from './names.ts'
import type { CassandraSettings } from './settings.ts'

/** What the server's own start script opens to unnamed modules (conf/jvm17-server.options of 5.0), and two more that it warns about. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.base/java.lang.ref',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
]
const OPENS = [
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/sun.nio.ch',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'jdk.management/com.sun.management.internal',
]

/**
 * Quick starts and ends on one machine: no waiting for gossip that nobody sends, no measuring of object sizes, no farewell to
 * peers that end as well, and no minute's delay before a server that has run for a minute asks a peer for its schema. The
 * quarantine keeps a short ring delay from throwing peers out that have not spoken yet. A server writes its first user when it
 * starts, not ten seconds later in the middle of a run, where the backlog would count that write.
 */
const SERVER_OPTIONS = [
  'cassandra-foreground=yes',
  'cassandra.skip_wait_for_gossip_to_settle=0',
  'cassandra.ring_delay_ms=100',
  'cassandra.gossip_quarantine_delay_ms=60000',
  'cassandra.migration_delay_ms=0',
  'cassandra.superuser_setup_delay_ms=0',
  'cassandra.consistent.rangemovement=false',
  'cassandra.memtable.row_overhead_size=180',
  'cassandra.test.messagingService.nonGracefulShutdown=true',
  'cassandra.shutdown_announce_in_ms=0',
]

export interface JavaProgram {
  /** The program `java`. */
  readonly java: string
  /** Every jar of the server, in one fixed order: an archive of classes fits only the class path that it was made with. */
  readonly jars: readonly string[]
  readonly agent: string
  /** An archive of loaded classes, to be used or to be made; absent: Java's own. */
  readonly archive?: { readonly path: string; readonly use: 'read' | 'make' }
}

function archiveOptions(archive: JavaProgram['archive']): readonly string[] {
  if (archive === undefined) return []
  return [archive.use === 'read' ? `-XX:SharedArchiveFile=${archive.path}` : `-XX:ArchiveClassesAtExit=${archive.path}`]
}

/** `folder` holds the server's files and gets its data. */
export function serverCommand(
  { java, jars, agent, archive }: JavaProgram,
  folder: string,
  { heap, jit }: Pick<CassandraSettings, 'heap' | 'jit'>,
): Command {
  const properties = [
    `cassandra.config=file://${join(folder, CONFIG_FILE)}`,
    `cassandra.storagedir=${folder}`,
    `cassandra.logdir=${folder}`,
    // Where the native libraries of its compressors are unpacked to: Java asks no TMPDIR.
    `java.io.tmpdir=${folder}`,
    `logback.configurationFile=file://${join(folder, LOG_CONFIG_FILE)}`,
    'jdk.attach.allowAttachSelf=true',
    'io.netty.tryReflectionSetAccessible=true',
    ...SERVER_OPTIONS,
  ]
  return {
    program: java,
    args: [
      `-Xms${heap}`,
      `-Xmx${heap}`,
      '-XX:+UseG1GC',
      '-XX:+ExitOnOutOfMemoryError',
      '-Xss512k',
      ...(jit === 'c1' ? ['-XX:TieredStopAtLevel=1'] : []),
      ...archiveOptions(archive),
      '-Xshare:auto',
      ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
      ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
      ...properties.map((property) => `-D${property}`),
      ...(archive?.use !== 'make' ? [`-javaagent:${agent}=config=${join(folder, AGENT_CONFIG_FILE)}`] : []),
      '-cp',
      [...jars, folder].join(':'),
      'org.apache.cassandra.service.CassandraDaemon',
    ],
  }
}
