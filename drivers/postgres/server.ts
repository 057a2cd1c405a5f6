// A DC's server as the run's admin talks to it.
import type { Client } from 'pg'
import type { Dc } from '../../bench/contract/topology.ts'

export interface Server {
  readonly dc: Dc
  readonly client: Client
}

/** The DCs beside `dc`. */
export const othersOf = (dc: Dc, dcs: readonly Dc[]): readonly Dc[] => dcs.filter(({ name }) => name !== dc.name)
