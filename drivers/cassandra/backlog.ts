// What one DC's servers still have to hand on to the others: hints that they wrote and that have not arrived, and writes whose
// answers are awaited.
import type { Backlog, DeployPlan } from '../../bench/contract/driver.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import type { Question } from './agent.ts'
import { identityOf, KEYSPACE } from './names.ts'
import type { Server } from './server.ts'

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

interface Counted {
  readonly Count?: number
}

/**
 * Writes that this server coordinated and whose answers from every DC have neither come nor timed out: the server follows each
 * write until it would have met EACH_QUORUM (`ideal_consistency_level`).
 */
function underWay([coordinated, met, missed]: readonly (Counted | undefined)[]): number {
  return Math.max(0, (coordinated?.Count ?? 0) - (met?.Count ?? 0) - (missed?.Count ?? 0))
}

/** In rows, from the servers of one DC to each other DC. */
export async function backlogOf(
  servers: readonly Server[],
  { dcs, table }: Pick<DeployPlan, 'dcs' | 'table'>,
  copies: number,
  timeoutMs: number,
): Promise<readonly Backlog[]> {
  const questions = [
    { type: 'read', mbean: HINTS, attribute: 'Count' },
    ...[
      `type=Table,keyspace=${KEYSPACE},scope=${table.name},name=CoordinatorWriteLatency`,
      `type=Keyspace,keyspace=${KEYSPACE},name=IdealCLWriteLatency`,
      `type=Keyspace,keyspace=${KEYSPACE},name=WriteFailedIdealCL`,
    ].map((name): Question => ({ type: 'read', mbean: `org.apache.cassandra.metrics:${name}`, attribute: ['Count'] })),
  ] satisfies readonly Question[]
  const found = await Promise.all(
    servers.map(async ({ agent }) => {
      const [mbeans, ...counted] = await agent.ask(questions, timeoutMs)
      const hints = (mbeans ?? {}) as Parameters<typeof hintsLeft>[0]
      return { hints, writes: underWay(counted as readonly (Counted | undefined)[]) }
    }),
  )
  const [{ node }] = servers
  return dcs
    .filter(({ index }) => index !== node.dc.index)
    .map((to): Backlog => {
      const amount = found.reduce((sum, { hints, writes }) => sum + hintsLeft(hints, to, copies) + writes, 0)
      return { from: node.dc.name, to: to.name, amount, unit: 'rows' }
    })
}
