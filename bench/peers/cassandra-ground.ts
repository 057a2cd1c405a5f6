// What all comparisons on Cassandra share: what is deployed for them, and where the table and the server are found.
import type { Address } from '../contract/driver.ts'
import type { SystemOptions } from './deployed.ts'

/** The driver's name for the port that clients speak to. */
export const CQL_PORT = 'cql'
export const PROFILES_TABLE = 'geowrite."profiles"'
/** Enough for caches to be as they are in a run, few enough to load in seconds. */
const ROWS = '50k'

/**
 * Two DCs as a run has them, `local-quorum`, durable as by default, keys uniform: hot keys would make a batch hold fewer rows
 * than were asked for.
 */
export const profilesOn = (mode: string): SystemOptions => ({
  workload: 'profiles',
  driver: 'cassandra',
  replication: 'local-quorum',
  mode,
  rows: ROWS,
  skew: '0',
  distribution: 'uniform',
})

export const addressText = ({ host, port }: Address): string => `${host}:${port}`
