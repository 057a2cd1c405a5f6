// Makes one cluster of servers that were loaded each for itself: tells every server how it reaches the others, then of whom to
// ask for the rest, as an operator does, and waits until all of them know all.
import type { Joining } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import { delay } from '../../bench/lib/clock.ts'
import { CONFIG_FILE, identityOf, internodePort, seedOf, serviceName, type Node } from './names.ts'
import { execute, type Server } from './server.ts'

const MEET_MS = 60_000
const LOOK_EVERY_MS = 100
const ASK_MS = 10_000
const GOSSIPER = 'org.apache.cassandra.net:type=Gossiper'
const STORAGE = 'org.apache.cassandra.db:type=StorageService'

/** Where the server itself listens for its peers. */
const portOf = ({ dc, copy }: Node, joining: Joining): number =>
  joining.seenFrom(dc.name)[dc.name][internodePort(copy)].port

/**
 * `joining` gives each DC's way to the others. A server connects to a peer at the address that its own table system.peers_v2
 * prefers for it, taken when it first speaks to that peer: so these must be there before it hears of any.
 */
export async function introduce(servers: readonly Server[], joining: Joining): Promise<void> {
  const nodes = servers.map(({ node }) => node)
  for (const server of servers) {
    const seen = joining.seenFrom(server.node.dc.name)
    for (const peer of nodes) {
      if (peer === server.node) continue
      const { host, port } = seen[peer.dc.name][internodePort(peer.copy)]
      await execute(
        server,
        `INSERT INTO system.peers_v2 (peer, peer_port, preferred_ip, preferred_port) VALUES ('${identityOf(peer)}', ${portOf(peer, joining)}, '${host}', ${port})`,
      )
    }
    // A server that is killed must find the ways again.
    await server.agent.run(
      STORAGE,
      'forceKeyspaceFlush(java.lang.String,[Ljava.lang.String;)',
      ['system', ['peers_v2']],
      ASK_MS,
    )
  }
  const seeds = nodes.map((node) => seedOf(node, portOf(node, joining)))
  // The server's own configuration, which it reads again when it is told to, and when it starts again.
  const line = `seeds: ${JSON.stringify(seeds.join(','))}`
  const name = (text: string) => text.replace(/seeds: "[^"]*"/, line)
  await Promise.all(servers.map(({ node }) => joining.edit(serviceName(node), CONFIG_FILE, name)))
  await Promise.all(servers.map(({ agent }) => agent.run(GOSSIPER, 'reloadSeeds', [], ASK_MS)))
  await Promise.all(servers.map((server) => untilKnowsAll(server, nodes.length)))
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + MEET_MS
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) {
      throw new BenchError('STORE', `${what} within ${MEET_MS / 1000} s; the servers' logs say why.`)
    }
    await delay(LOOK_EVERY_MS)
  }
}

function untilKnowsAll(server: Server, count: number): Promise<void> {
  return until(`The servers did not make one cluster as ${server.node.dc.name} sees it`, async () => {
    const { rows } = await execute(server, 'SELECT status_with_port, rpc_ready FROM system_views.gossip_info')
    const ready = rows.filter(
      (row) => String(row.status_with_port).startsWith('NORMAL') && String(row.rpc_ready).startsWith('true'),
    )
    return ready.length === count && (await schemasSeenBy(server)).size === 1
  })
}

/** The schema versions of all servers as one of them knows them. */
async function schemasSeenBy(server: Server): Promise<ReadonlySet<string>> {
  const [own, peers] = await Promise.all([
    execute(server, 'SELECT schema_version FROM system.local'),
    execute(server, 'SELECT schema_version FROM system.peers_v2'),
  ])
  return new Set([...own.rows, ...peers.rows].map((row) => String(row.schema_version)))
}

/** Changes the schema at one server and waits until all have the change. */
export async function changeSchema(servers: readonly Server[], statement: string): Promise<void> {
  await execute(servers[0], statement)
  await untilSchemasAgree(servers)
}

/** Waits until every server has, and knows every other to have, the schema of the first. */
async function untilSchemasAgree(servers: readonly Server[]): Promise<void> {
  await until('The servers did not agree on one schema', async () => {
    const seen = await Promise.all(servers.map(schemasSeenBy))
    return new Set(seen.flatMap((versions) => [...versions])).size === 1
  })
}
