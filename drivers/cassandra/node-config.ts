// The files of one server: cassandra.yaml, its place in the topology, and where its log goes.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Place, TextFile } from '../../bench/contract/service.ts'
import {
  AGENT_CONFIG_FILE,
  agentPort,
  clientIdentityOf,
  CONFIG_FILE,
  cqlPort,
  identityOf,
  internodePort,
  LOG_CONFIG_FILE,
  type Node,
} from './names.ts'
import type { CassandraSettings } from './settings.ts'

type Placed = Pick<Place, 'folder' | 'ports'>

const text = (value: string): string => JSON.stringify(value)

/** How acknowledged writes reach the disk, as the server wants it said. */
function durability({ commitlogSync, groupWindowMs, syncPeriodMs }: CassandraSettings): string {
  if (commitlogSync === 'periodic') return `commitlog_sync: periodic\ncommitlog_sync_period: ${syncPeriodMs}ms`
  if (commitlogSync === 'group') return `commitlog_sync: group\ncommitlog_sync_group_window: ${groupWindowMs}ms`
  return 'commitlog_sync: batch'
}

/** The server's settings: those of the user, and what one machine with a relay between its DCs asks for. */
function serverConfig(
  node: Node,
  seeds: readonly string[],
  { folder, ports }: Placed,
  settings: CassandraSettings,
): string {
  const cql = ports[cqlPort(node.copy)]
  const internode = ports[internodePort(node.copy)]
  return `cluster_name: geowrite
num_tokens: 1
initial_token: ${text(String(node.dc.index * 1000 + node.copy))}
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: GossipingPropertyFileSnitch
dynamic_snitch: false
listen_address: ${internode.host}
storage_port: ${internode.port}
broadcast_address: ${identityOf(node)}
listen_on_broadcast_address: false
start_native_transport: true
rpc_address: ${cql.host}
native_transport_port: ${cql.port}
broadcast_rpc_address: ${clientIdentityOf(node)}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{ seeds: ${text(seeds.join(','))} }]
data_file_directories: [${text(`${folder}/data`)}]
commitlog_directory: ${text(`${folder}/commitlog`)}
saved_caches_directory: ${text(`${folder}/saved_caches`)}
hints_directory: ${text(`${folder}/hints`)}
cdc_raw_directory: ${text(`${folder}/cdc_raw`)}
${durability(settings)}
commitlog_segment_size: 32MiB
hinted_handoff_enabled: true
hinted_handoff_throttle: ${settings.hintThrottleKiB}KiB
hints_flush_period: 1000ms
max_hints_delivery_threads: 2
max_hint_window: 3h
compaction_throughput: 0MiB/s
ideal_consistency_level: EACH_QUORUM
write_request_timeout: ${settings.writeTimeoutMs}ms
phi_convict_threshold: ${settings.phiConvictThreshold}
paxos_variant: ${settings.paxosVariant}
cas_contention_timeout: ${settings.writeTimeoutMs}ms
batch_size_warn_threshold: 1MiB
batch_size_fail_threshold: 16MiB
unlogged_batch_across_partitions_warn_threshold: 100000
auto_snapshot: false
`
}

const LOG_CONFIG = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{0}: %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT" /></root>
  <logger name="com.thinkaurelius.thrift" level="ERROR" />
</configuration>
`

/** Every file of a server. The agent's holds the run's secret. */
export function nodeFiles(
  node: Node,
  seeds: readonly string[],
  place: Placed,
  settings: CassandraSettings,
  secret: DeployPlan['secret'],
): readonly TextFile[] {
  const agent = place.ports[agentPort(node.copy)]
  return [
    { path: CONFIG_FILE, content: serverConfig(node, seeds, place, settings) },
    { path: 'cassandra-rackdc.properties', content: `dc=${node.dc.name}\nrack=r${node.copy + 1}\n` },
    { path: LOG_CONFIG_FILE, content: LOG_CONFIG },
    {
      path: AGENT_CONFIG_FILE,
      content: `host=${agent.host}\nport=${agent.port}\nuser=geowrite\npassword=${secret}\ndiscoveryEnabled=false\n`,
    },
  ]
}
