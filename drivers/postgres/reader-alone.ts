// The change reader without appliers, as a process: reads so many rows of a slot, confirms none of them, and says how long it took.
import { connect } from './connect.ts'
import { PUBLICATION, slotName } from './names.ts'
import { parseLsn, ReplicationStream } from './replication-stream.ts'
import { allColumns, sqlTable } from './sql-table.ts'
import { serviceConfig } from '../../bench/lib/service-process.ts'
import type { Address, DeployPlan } from '../../bench/contract/driver.ts'

/** The process's configuration file. It holds a secret. */
interface ReaderConfig {
  readonly plan: DeployPlan
  /** Of the source's server. */
  readonly address: Address
  /** The DC whose slot is read, which nobody else may do meanwhile. */
  readonly receiver: string
  readonly rows: number
}

const ATTEMPT_MS = 5000

const { plan, address, receiver, rows } = serviceConfig<ReaderConfig>()
const dc = plan.dcs.find(({ name }) => name === receiver)
if (dc === undefined) throw new TypeError(`no DC is named ${receiver}`)
const slot = slotName(dc)
const connecting = {
  address,
  secret: plan.secret,
  application: 'geowrite-reader-alone',
  session: { wal_sender_timeout: '10s' },
  replication: true,
  patienceMs: 0,
  attemptMs: ATTEMPT_MS,
}
const client = await connect(connecting)
const found = await client.query<{ lsn: string }>(
  `SELECT confirmed_flush_lsn AS lsn FROM pg_replication_slots WHERE slot_name = '${slot}'`,
)
const fromLsn = parseLsn(found.rows[0].lsn)
let seen = 0
let transactions = 0
const done = Promise.withResolvers<void>()
const sink = {
  begin: () => undefined,
  row: () => void seen++,
  commit: () => void transactions++,
  keepalive: () => stream?.confirm(fromLsn),
}
const events = {
  chunk: () => (seen >= rows ? done.resolve() : undefined),
  ended: (error: Error) => done.reject(error),
}
const startedMs = performance.now()
const before = process.cpuUsage()
let stream: ReplicationStream | undefined
stream = await ReplicationStream.start(
  client,
  { slot, publication: PUBLICATION, fromLsn, columns: allColumns(sqlTable(plan)) },
  sink,
  events,
)
await done.promise
const seconds = (performance.now() - startedMs) / 1000
const { user, system } = process.cpuUsage(before)
stream.close()
process.stdout.write(`${JSON.stringify({ rows: seen, transactions, seconds, cpuSeconds: (user + system) / 1e6 })}\n`)
