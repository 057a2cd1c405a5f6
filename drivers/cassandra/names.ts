// Names that several parts of the driver share.
import type { Dc } from '../../bench/contract/topology.ts'

/** One server: the `copy`-th of its DC, counted from 0. Each server of a DC keeps every row. */
export interface Node {
  readonly dc: Dc
  readonly copy: number
}

export const KEYSPACE = 'geowrite'
/** The directory of the server's own files in its service's folder. */
export const CONFIG_FILE = 'cassandra.yaml'
export const LOG_CONFIG_FILE = 'logback.xml'
export const AGENT_CONFIG_FILE = 'agent.properties'

/** The service that runs it. */
export const serviceName = ({ dc, copy }: Node): string => `cassandra ${dc.name}${copy === 0 ? '' : ` ${copy + 1}`}`

/** Port names are unique within a DC. */
const numbered = (name: string, copy: number): string => (copy === 0 ? name : `${name} ${copy + 1}`)
export const cqlPort = (copy: number): string => numbered('cql', copy)
export const internodePort = (copy: number): string => numbered('internode', copy)
export const agentPort = (copy: number): string => numbered('agent', copy)

/** The DCs' servers, DC by DC. */
export function nodesOf(dcs: readonly Dc[], copies: number): readonly Node[] {
  return dcs.flatMap((dc) => Array.from({ length: copies }, (_, copy) => ({ dc, copy })))
}

/**
 * The address under which the servers know one another. Nothing listens there: a server that has not been told how to reach a
 * peer cannot go round the link.
 */
export const identityOf = ({ dc, copy }: Node): string => `127.9.${dc.index + 1}.${copy + 1}`
/** A server as a seed of the others. */
export const seedOf = (node: Node, port: number): string => `${identityOf(node)}:${port}`
/** The address under which clients hear of the server, translated to where it listens. */
export const clientIdentityOf = ({ dc, copy }: Node): string => `127.8.${dc.index + 1}.${copy + 1}`
