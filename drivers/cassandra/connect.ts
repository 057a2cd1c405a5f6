// Clients of the servers of one DC, and of no other.
import { Client, policies } from 'cassandra-driver'
import type { Address, Endpoints } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { orReason } from '../../bench/lib/abort.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { clientIdentityOf, cqlPort } from './names.ts'

type AddressTranslator = policies.addressResolution.AddressTranslator

/** The client takes instances of its own class alone, which its types know as an interface. */
const { AddressTranslator: Translator } = policies.addressResolution as unknown as {
  readonly AddressTranslator: new () => AddressTranslator
}

/** Clients hear of servers by identities at which nothing listens, and reach them where they are. */
function translator(places: ReadonlyMap<string, string>): AddressTranslator {
  return Object.assign(new Translator(), {
    translate: (address: string, port: number, callback: (endpoint: string) => void) =>
      callback(places.get(address) ?? `${address}:${port}`),
  })
}

/** Parts of a client that its types do not show. */
interface Host {
  shutdown(waitForPending: boolean): Promise<unknown>
}
interface Connection {
  closeAsync(): Promise<unknown>
}
interface ControlConnection {
  _createConnection(contactPoint: string): Promise<Connection>
}

/** What a client leaves behind: see `follow`. */
interface Leavings {
  readonly hosts: Set<Host>
  readonly connections: Set<Connection>
  isEnded: boolean
}

const leavings = new WeakMap<Client, Leavings>()

/**
 * Keeps every host and every first connection that a client ever has. After a server was away the client (4.10.0) begins anew: it
 * forgets the host that it had without ending it, whose timers then keep the process alive and try to connect for ever; and it goes
 * on beginning after its shutdown, with connections that nobody ends.
 */
function follow(client: Client): void {
  const left: Leavings = { hosts: new Set(), connections: new Set(), isEnded: false }
  leavings.set(client, left)
  const keep = (host: Host) => {
    left.hosts.add(host)
    if (left.isEnded) void host.shutdown(false)
  }
  for (const event of ['hostAdd', 'hostRemove', 'hostUp', 'hostDown']) client.on(event, keep)
  const { controlConnection: control } = client as unknown as { readonly controlConnection: ControlConnection }
  const create = control._createConnection.bind(control)
  control._createConnection = async (contactPoint) => {
    if (left.isEnded) throw new Error('the client has ended')
    const connection = await create(contactPoint)
    left.connections.add(connection)
    if (left.isEnded) void connection.closeAsync()
    return connection
  }
}

/** Ends a client and all that it left. */
export async function disconnect(client: Client): Promise<void> {
  const left = leavings.get(client)
  if (left !== undefined) left.isEnded = true
  await client.shutdown()
  await Promise.all([...(left?.hosts ?? [])].map((host) => host.shutdown(false)))
  await Promise.all([...(left?.connections ?? [])].map((connection) => connection.closeAsync()))
}

const placeOf = ({ host, port }: Address): string => `${host}:${port}`

interface Connecting {
  readonly dc: Dc
  readonly copies: number
  /** Of one copy alone; absent: all of the DC's. */
  readonly copy?: number
  readonly connections: number
  readonly timeoutMs: number
}

/** A client of the servers of `dc`. Rejects with STORE when none can be reached, or with the signal's reason. */
export async function connect(endpoints: Endpoints, connecting: Connecting, signal: AbortSignal): Promise<Client> {
  const { dc, copies, copy, connections, timeoutMs } = connecting
  const numbers = copy === undefined ? Array.from({ length: copies }, (_, i) => i) : [copy]
  const places = new Map(
    numbers.map((number): [string, string] => [
      clientIdentityOf({ dc, copy: number }),
      placeOf(endpoints[dc.name][cqlPort(number)]),
    ]),
  )
  const contactPoints = [...places.values()]
  const own = new policies.loadBalancing.DCAwareRoundRobinPolicy(dc.name)
  const client = new Client({
    contactPoints,
    localDataCenter: dc.name,
    policies: {
      addressResolution: translator(places),
      loadBalancing: new policies.loadBalancing.AllowListPolicy(
        new policies.loadBalancing.TokenAwarePolicy(own),
        contactPoints,
      ),
      retry: new policies.retry.FallthroughRetryPolicy(),
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(200),
      speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
      // Statements carry the harness's version, or the server's clock counts: the client adds none of its own.
      timestampGeneration: null as unknown as policies.timestampGeneration.TimestampGenerator,
    },
    pooling: {
      coreConnectionsPerHost: { 0: connections, 1: 0, 2: 0 },
      maxRequestsPerConnection: 2048,
      warmup: true,
      heartBeatInterval: 0,
    },
    socketOptions: {
      readTimeout: timeoutMs,
      connectTimeout: timeoutMs,
      tcpNoDelay: true,
      // A server that stands still for a while is a fault under test: its connections are kept.
      defunctReadTimeoutThreshold: Number.MAX_SAFE_INTEGER,
    },
    // The newest that client and server share: no connection is spent on finding it.
    protocolOptions: { maxVersion: 4 },
    queryOptions: { prepare: true, fetchSize: 5000 },
    monitorReporting: { enabled: false },
  })
  follow(client)
  const opening = client.connect()
  try {
    await orReason(opening, signal)
    return client
  } catch (error) {
    // One that is still connecting cannot be ended before that has.
    const ending = Promise.allSettled([disconnect(client), opening]).then(() => disconnect(client))
    signal.throwIfAborted()
    await ending
    throw new BenchError(
      'STORE',
      `The cassandra server of ${dc.name} cannot be reached: ${messageOf(error)}; its log says why.`,
      { cause: error },
    )
  }
}
