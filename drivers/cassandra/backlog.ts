// What one DC's servers still have to hand on to the others: hints that they wrote and that have not arrived, and writes whose
// answers are awaited.
import type { Backlog } from '../../bench/contract/driver.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import type { Question } from './agent.ts'
import { identityOf, KEYSPACE } from './names.ts'
import type { Server } from './server.ts'

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

/** What a server has counted since it was started. */
interface Counts {
  readonly hints: Parameters<typeof hintsLeft>[0]
  readonly coordinated: number
  /** Writes that it coordinated and whose answers from every DC have neither come nor timed out. */
  readonly awaited: number
}

const METRICS = 'org.apache.cassandra.metrics'
/** The server follows each write until it would have met EACH_QUORUM (`ideal_consistency_level`), whatever it waits for. */
const QUESTIONS: readonly Question[] = [
  { type: 'read', mbean: `${METRICS}:type=HintsService,*`, attribute: 'Count' },
  ...[
    'type=ClientRequest,scope=Write,name=LocalRequests',
    `type=Keyspace,keyspace=${KEYSPACE},name=IdealCLWriteLatency`,
    `type=Keyspace,keyspace=${KEYSPACE},name=WriteFailedIdealCL`,
  ].map((name): Question => ({ type: 'read', mbean: `${METRICS}:${name}`, attribute: ['Count'] })),
]

async function countsOf({ agent }: Server, timeoutMs: number): Promise<Counts> {
  const [mbeans, ...counted] = await agent.ask(QUESTIONS, timeoutMs)
  const [coordinated, met, missed] = counted.map((metric) => (metric as Counted | undefined)?.Count ?? 0)
  return {
    hints: (mbeans ?? {}) as Counts['hints'],
    coordinated,
    awaited: coordinated - met - missed,
  }
}

export class Backlogs {
  readonly #copies: number
  readonly #timeoutMs: number
  /** By server: writes outside of the table, which it does not follow, among those that it counted until then. */
  readonly #others = new Map<Server, Pick<Counts, 'coordinated' | 'awaited'>>()

  constructor(copies: number, timeoutMs: number) {
    this.#copies = copies
    this.#timeoutMs = timeoutMs
  }

  /** Says that nothing is on its way now: what the servers seem to await they never followed. */
  async rest(servers: readonly Server[], timeoutMs: number): Promise<void> {
    for (const server of servers) this.#others.set(server, await countsOf(server, timeoutMs))
  }

  /** In rows, from the servers of one DC to each other DC. */
  async of(servers: readonly Server[], dcs: readonly Dc[]): Promise<readonly Backlog[]> {
    const found = await Promise.all(servers.map(async (server) => this.#awaited(server)))
    const [{ node }] = servers
    return dcs
      .filter(({ index }) => index !== node.dc.index)
      .map((to): Backlog => {
        const amount = found.reduce((sum, { hints, rows }) => sum + hintsLeft(hints, to, this.#copies) + rows, 0)
        return { from: node.dc.name, to: to.name, amount, unit: 'rows' }
      })
  }

  async #awaited(server: Server): Promise<{ readonly hints: Counts['hints']; readonly rows: number }> {
    const { hints, coordinated, awaited } = await countsOf(server, this.#timeoutMs)
    const others = this.#others.get(server)
    // One that was started again counts from 0.
    const never = others === undefined || coordinated < others.coordinated ? 0 : others.awaited
    return { hints, rows: Math.max(0, awaited - never) }
  }
}
