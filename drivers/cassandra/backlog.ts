// What one DC's servers still have to hand on to the others: hints that they wrote and that have not arrived, and messages that
// wait for a connection.
import type { Backlog } from '../../bench/contract/driver.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { identityOf } from './names.ts'
import { execute, type Server } from './server.ts'

const HINTS = 'org.apache.cassandra.metrics:type=HintsService,*'

/** Hints for each DC that these MBeans know, counted since their server started: written, less those that arrived. */
export function hintsLeft(
  mbeans: Readonly<Record<string, { readonly Count?: number }>>,
  to: Dc,
  copies: number,
): number {
  let left = 0
  for (const [mbean, { Count: count = 0 }] of Object.entries(mbeans)) {
    const [, what, peer] = /name=(Hints_created|Hint_delays)-([^,]*)/.exec(mbean) ?? []
    if (what === undefined) continue
    const isHere = Array.from({ length: copies }, (_, copy) => identityOf({ dc: to, copy })).some((identity) =>
      // The server writes the peer as name/address.port, the name being the address or empty.
      peer.includes(`/${identity}.`),
    )
    if (isHere) left += what === 'Hints_created' ? count : -count
  }
  // A server that was started again hands over hints that an earlier life counted.
  return Math.max(0, left)
}

/** In rows, from the servers of one DC to each other DC. */
export async function backlogOf(
  servers: readonly Server[],
  dcs: readonly Dc[],
  copies: number,
  timeoutMs: number,
): Promise<readonly Backlog[]> {
  const found = await Promise.all(
    servers.map(async (server) => {
      const [[mbeans], { rows }] = await Promise.all([
        server.agent.ask([{ type: 'read', mbean: HINTS, attribute: 'Count' }], timeoutMs),
        execute(server, 'SELECT dc, pending_count FROM system_views.internode_outbound'),
      ])
      return { mbeans: (mbeans ?? {}) as Parameters<typeof hintsLeft>[0], rows }
    }),
  )
  const [{ node }] = servers
  return dcs
    .filter(({ index }) => index !== node.dc.index)
    .map((to): Backlog => {
      const amount = found.reduce((sum, { mbeans, rows }) => {
        const pending = rows.filter((row) => row.dc === to.name).map((row) => Number(row.pending_count))
        return sum + hintsLeft(mbeans, to, copies) + pending.reduce((total, count) => total + count, 0)
      }, 0)
      return { from: node.dc.name, to: to.name, amount, unit: 'rows' }
    })
}
