// What the servers count themselves, each since it was last started; never under our own names.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import type { Counters } from '../../bench/contract/store-words.ts'
import type { Question } from './agent.ts'
import { KEYSPACE } from './names.ts'
import { REPLICATION } from './replications.ts'
import type { Server } from './server.ts'

const ASK_MS = 10_000
const METRICS = 'org.apache.cassandra.metrics'

/** The scope under which a server counts the requests of a replication. */
const REQUEST_SCOPE: Readonly<Record<string, string>> = {
  [REPLICATION.localQuorum]: 'Write-LOCAL_QUORUM',
  [REPLICATION.eachQuorum]: 'Write-EACH_QUORUM',
  [REPLICATION.serial]: 'CASWrite',
  [REPLICATION.localOne]: 'Write-LOCAL_ONE',
}

interface Metric {
  readonly name: string
  readonly mbean: string
  readonly attribute: 'Count' | 'Value' | '50thPercentile' | '99thPercentile'
}

/** Latencies are in µs, as the servers keep them. */
function metricsOf({ table, replication }: DeployPlan): readonly Metric[] {
  const tableMetric = (name: string) => `${METRICS}:type=Table,keyspace=${KEYSPACE},scope=${table.name},name=${name}`
  const hints = (name: string) => `${METRICS}:type=HintsService,name=${name}`
  const dropped = (scope: string) => `${METRICS}:type=DroppedMessage,scope=${scope},name=Dropped`
  const requests = (name: string) => `${METRICS}:type=ClientRequest,scope=${REQUEST_SCOPE[replication]},name=${name}`
  const keyspace = (name: string) => `${METRICS}:type=Keyspace,keyspace=${KEYSPACE},name=${name}`
  const count = (name: string, mbean: string): Metric => ({ name, mbean, attribute: 'Count' })
  return [
    count('hints_written', `${METRICS}:type=Storage,name=TotalHints`),
    count('hints_delivered', hints('HintsSucceeded')),
    count('hints_failed', hints('HintsFailed')),
    count('hints_timed_out', hints('HintsTimedOut')),
    count('mutations_dropped', dropped('MUTATION_REQ')),
    count('hints_dropped', dropped('HINT_REQ')),
    count('write_unavailables', requests('Unavailables')),
    count('write_timeouts', requests('Timeouts')),
    count('writes_coordinated', `${METRICS}:type=ClientRequest,scope=Write,name=LocalRequests`),
    count('ideal_each_quorum_writes', keyspace('IdealCLWriteLatency')),
    count('ideal_each_quorum_writes_failed', keyspace('WriteFailedIdealCL')),
    { name: 'ideal_each_quorum_p50_us', mbean: keyspace('IdealCLWriteLatency'), attribute: '50thPercentile' },
    count('flushed_bytes', tableMetric('BytesFlushed')),
    count('compaction_written_bytes', tableMetric('CompactionBytesWritten')),
    { name: 'compactions_pending', mbean: tableMetric('PendingCompactions'), attribute: 'Value' },
    { name: 'files_live', mbean: tableMetric('LiveSSTableCount'), attribute: 'Value' },
    { name: 'commit_log_bytes', mbean: `${METRICS}:type=CommitLog,name=TotalCommitLogSize`, attribute: 'Value' },
    // From a peer's sending to the handling here, over all peers: a server takes its peers' DCs down as unknown when it meets them.
    { name: 'internode_p50_us', mbean: `${METRICS}:type=Messaging,name=CrossNodeLatency`, attribute: '50thPercentile' },
    { name: 'internode_p99_us', mbean: `${METRICS}:type=Messaging,name=CrossNodeLatency`, attribute: '99thPercentile' },
  ]
}

async function ofServer(server: Server, plan: DeployPlan): Promise<readonly (readonly [string, number])[]> {
  const metrics = metricsOf(plan)
  const questions = metrics.map(({ mbean, attribute }): Question => ({ type: 'read', mbean, attribute }))
  const answers = await server.agent.ask(questions, ASK_MS)
  const { dc, copy } = server.node
  const prefix = copy === 0 ? dc.name : `${dc.name}_${copy + 1}`
  return metrics.flatMap(({ name }, i) =>
    typeof answers[i] === 'number' ? [[`${prefix}_${name}`, answers[i]] as const] : [],
  )
}

/** The store keeps the newer cell and says nothing: it has no count of conflicts. */
export async function countersOf(servers: readonly Server[], plan: DeployPlan): Promise<Counters> {
  const counted = await Promise.all(servers.map((server) => ofServer(server, plan)))
  return { conflictsReported: null, own: Object.fromEntries(counted.flat()) }
}
