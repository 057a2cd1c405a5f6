// One node: an engine, its store, a port for clients and peers, and a follower for every other DC.
import type { Address } from '../../../bench/contract/driver.ts'
import type { Column } from '../../../bench/contract/table.ts'
import { announceReady, endWithParent, log } from '../../../bench/lib/service-process.ts'
import { BenchError, messageOf } from '../../../bench/contract/errors.ts'
import type { Disturbance } from './disturbance.ts'
import type { Engine } from './engine.ts'
import { BEAT_MS, Follower, type Peer } from './follower.ts'
import type { NodeStatus } from './message.ts'
import { NodeServer } from './server.ts'
import { Store } from './store.ts'

/** What a node's process is told by its configuration file. */
export interface NodeConfig {
  readonly dc: string
  readonly dcIndex: number
  readonly address: Address
  readonly peers: readonly Peer[]
  readonly secret: string
  readonly seed: number
  /** Where the engine may keep its files. */
  readonly folder: string
  /** The driver's settings, defaults filled in. */
  readonly settings: Readonly<Record<string, string>>
  /** DCs of the version vector that every row has, where causality is exact; else 0. */
  readonly vectorDcs: number
  readonly columns: readonly Column[]
}

/** A node whose storage cannot be trusted ends at once, with that as its last word: every further answer might be wrong. */
export function endWith(failure: BenchError): never {
  log(failure.message)
  process.exit(1)
}

/** Opens the engine, serves, and runs until it is asked to end. */
export async function runNode(config: NodeConfig, engine: Engine, disturbance?: Disturbance): Promise<void> {
  const { dcIndex, peers, secret } = config
  const peerIndices = peers.map((peer) => peer.index)
  // After a failed write, memory is ahead of storage for good: only a restart makes them agree.
  const fatal = (error: unknown) => {
    log(`the engine cannot write: ${messageOf(error)}`)
    process.exit(1)
  }
  const recovered = await engine.open().catch((error: unknown): never => {
    if (error instanceof BenchError) endWith(error)
    throw error
  })
  const store = new Store(engine, recovered, { ...config, peers: peerIndices }, disturbance, fatal)
  const followers: Follower[] = []
  const status = (): NodeStatus => describeNode(config, store, server, followers, disturbance)
  const server: NodeServer = new NodeServer({
    address: config.address,
    secret,
    store,
    peerIndices,
    columns: config.columns,
    status,
    log,
  })
  await server.listen()
  for (const peer of peers) {
    followers.push(new Follower({ peer, ownIndex: dcIndex, secret, store, log }))
  }
  const trim = setInterval(() => store.trim(), BEAT_MS)
  endWithParent(async () => {
    clearInterval(trim)
    for (const follower of followers) follower.close()
    server.close()
    await store.close()
  })
  announceReady()
}

function describeNode(
  config: NodeConfig,
  store: Store,
  server: NodeServer,
  followers: readonly Follower[],
  disturbance: Disturbance | undefined,
): NodeStatus {
  return {
    dc: config.dc,
    ...store.engine.describe(),
    headRows: store.log.head,
    peers: followers.map(({ peer, following }) => ({
      dc: peer.dc,
      acknowledgedRows: store.log.acknowledgedBy(peer.index),
      streaming: server.ships(peer.index),
      appliedRows: store.appliedOf(peer.index).position,
      following,
    })),
    counters: {
      ...store.counters,
      log_entries_held: store.log.heldEntries,
      stream_reconnects: followers.reduce((sum, follower) => sum + follower.reconnects, 0),
      refused_connections: server.refusedConnections,
      malformed_connections: server.malformedConnections,
      ...store.engine.figures(),
      ...disturbance?.counts(),
    },
  }
}
