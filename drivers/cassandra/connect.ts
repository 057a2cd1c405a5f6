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

/** A server as the client keeps it, with a method that its types do not show. */
interface Host {
  shutdown(waitForPending: boolean): Promise<unknown>
}

/**
 * Every host that a client ever had. After a server was away the client (4.10.0) may begin anew and forget the host that it had
 * without ending it, whose timers then keep the process alive and try to connect for ever.
 */
const hosts = new WeakMap<Client, Set<Host>>()

/** Ends a client and all that it left. */
export async function disconnect(client: Client): Promise<void> {
  await client.shutdown()
  await Promise.all([...(hosts.get(client) ?? [])].map((host) => host.shutdown(false)))
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
  const known = new Set<Host>()
  for (const event of ['hostAdd', 'hostRemove', 'hostUp', 'hostDown']) client.on(event, (host: Host) => known.add(host))
  hosts.set(client, known)
  try {
    await orReason(client.connect(), signal)
    return client
  } catch (error) {
    // A client that is still connecting ends when that does.
    const ending = disconnect(client).catch(() => undefined)
    signal.throwIfAborted()
    await ending
    throw new BenchError(
      'STORE',
      `The cassandra server of ${dc.name} cannot be reached: ${messageOf(error)}; its log says why.`,
      { cause: error },
    )
  }
}
