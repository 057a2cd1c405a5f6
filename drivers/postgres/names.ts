// The names that the server, the admin and the pipelines must agree on. DCs go by index: a slot's name allows neither
// hyphens nor capitals.
import type { Dc } from '../../bench/contract/topology.ts'

/** The port name of a DC's server. */
export const SQL_PORT = 'sql'

/** The database superuser that everything connects as. */
export const ROLE = 'geowrite'

/** The database that holds the table; initdb makes it. */
export const DATABASE = 'postgres'

/** The publication of the table under test for the pipelines, in every DC. */
export const PUBLICATION = 'geowrite'

/** The publication of one stream of the native replication: a part of the keys. */
export const streamPublication = (stream: number): string => `${PUBLICATION}_${stream}`

/** The file beside a server's configuration in which its subscriptions find the password of their sources. */
export const PASSFILE = 'sources.pgpass'

/** The service of the pipeline from one DC to another. */
export const pipelineName = (from: string, to: string): string => `cdc ${from}>${to}`

/** The control port of that pipeline, among the ports of the receiving DC. */
export const controlPort = (from: string): string => `cdc-from-${from}`

/** The replication slot in a source DC for one receiver. */
export const slotName = (receiver: Dc): string => `geowrite_to_${receiver.index}`

/** The replication slot in a source DC for one stream to one receiver. */
export const streamSlot = (receiver: Dc, stream: number): string => `${slotName(receiver)}_${stream}`

/** The subscription in a receiving DC to one stream of one source. */
export const subscriptionName = (source: Dc, stream: number): string => `geowrite_from_${source.index}_${stream}`

/** The replication origin in a receiving DC for one applier of one source. */
export const originName = (source: Dc, applier: number): string => `geowrite_from_${source.index}_${applier}`
