// How many copies of a row, and where, a write waits for.
import { types } from 'cassandra-driver'
import type { Capabilities, Replication } from '../../bench/contract/driver.ts'

export const REPLICATION = {
  localQuorum: 'local-quorum',
  eachQuorum: 'each-quorum',
  serial: 'serial',
  localOne: 'local-one',
} as const

const SHARED: Omit<Capabilities, 'acknowledges' | 'conflicts'> = {
  // Mutations travel over several connections and are applied by many threads.
  ordered: false,
  transactions: false,
  readable: true,
}

const CELLS: Omit<Capabilities, 'acknowledges'> = { ...SHARED, conflicts: 'last-write-wins', blindWrites: true }

export const REPLICATIONS: readonly [Replication, ...Replication[]] = [
  {
    name: REPLICATION.localQuorum,
    meaning:
      'A write waits for a quorum of its own DC’s copies (LOCAL_QUORUM); the other DCs get it meanwhile, or by hint.',
    capabilities: { ...CELLS, acknowledges: 'local' },
    waits: () => ({ roundTrips: 0, to: 'own' }),
  },
  {
    name: REPLICATION.eachQuorum,
    meaning:
      'A write waits for a quorum of the copies in every DC (EACH_QUORUM), and is refused when a DC is known to be away.',
    capabilities: { ...CELLS, acknowledges: 'all' },
    waits: () => ({ roundTrips: 1, to: 'farthest' }),
  },
  {
    name: REPLICATION.serial,
    meaning:
      'A write is a lightweight transaction over all DCs (Paxos, SERIAL, committed at QUORUM): it succeeds only over an older version, and is raised above a newer one.',
    capabilities: { ...SHARED, conflicts: 'none', acknowledges: 'quorum' },
    // Prepare, read, propose, commit; v2 reads while it prepares.
    waits: (settings) => ({ roundTrips: settings.paxos_variant === 'v2' ? 3 : 4, to: 'majority' }),
  },
  {
    name: REPLICATION.localOne,
    meaning: 'A write waits for one copy in its own DC (LOCAL_ONE).',
    capabilities: { ...CELLS, acknowledges: 'local' },
    waits: () => ({ roundTrips: 0, to: 'own' }),
  },
]

const { consistencies } = types

/** The consistency of a write; of a lightweight transaction that of its commit. */
export const WRITE_CONSISTENCY: Readonly<Record<string, number>> = {
  [REPLICATION.localQuorum]: consistencies.localQuorum,
  [REPLICATION.eachQuorum]: consistencies.eachQuorum,
  [REPLICATION.serial]: consistencies.quorum,
  [REPLICATION.localOne]: consistencies.localOne,
}

/** The consistency at which a DC is read: what its clients see, from its own copies alone. */
export function readConsistency(replication: string, copies: number): number {
  return copies === 1 || replication === REPLICATION.localOne ? consistencies.localOne : consistencies.localQuorum
}
