// How servers are used that the harness did not start: where they are, who logs in, over which TLS, and what may be done there.
import type { Endpoints } from './driver.ts'

/** How a connection is encrypted. */
export interface Tls {
  /** Certificates in PEM that sign the server's; absent: those that Node trusts. */
  readonly ca?: string
  /** The name that the server's certificate must have; absent: the host's. */
  readonly servername?: string
  /** false: whoever answers is believed. Every result says so. */
  readonly verify: boolean
}

/** How the servers of other DCs connect to those of one, where they do so by themselves. */
export interface PeerTls {
  /** As libpq's `sslmode` names it. */
  readonly mode: 'verify-full' | 'verify-ca' | 'require' | 'disable'
  /** A file of the server that connects; `system` for the certificates that it trusts. */
  readonly ca: string
}

/** Who logs in to the servers of one DC. It holds a secret: never in an argument list, a log or a result. */
export interface Access {
  readonly user: string
  /** Absent: the server asks for none. */
  readonly password?: string
  /** Absent: the store's usual one. */
  readonly database?: string
  /** null: nothing is encrypted. Every result says so. */
  readonly tls: Tls | null
  readonly peerTls: PeerTls
}

/** The servers of a run under `--deployment=external`. */
export interface External {
  /** As the harness reaches them. */
  readonly ports: Endpoints
  /** As the servers of other DCs reach them. */
  readonly peerPorts: Endpoints
  /** By DC. */
  readonly access: Readonly<Record<string, Access>>
  /** What is in the way may be removed, though no run made it. */
  readonly replaceExisting: boolean
  /** The tables are left when the run ends. */
  readonly keepTables: boolean
}

/** What a driver says of servers that it did not deploy. */
export interface ExternalUse {
  /** Ports that each DC must give. */
  readonly ports: readonly string[]
  /** The settings that still mean something; the others are the servers' own. */
  readonly settings: readonly string[]
  /** Who logs in, and where, unless the user says otherwise. */
  readonly user: string
  readonly database?: string
  /** A password that the user keeps where the store's own tools look for it; undefined when there is none. */
  password?(login: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly database: string
  }): string | undefined
}

/** What a result says of servers that the harness did not start: nothing that is secret. */
export interface ExternalFacts {
  /** By DC. */
  readonly encryption: Readonly<Record<string, 'verified' | 'unverified' | 'none'>>
  readonly peerEncryption: Readonly<Record<string, string>>
  /** Replication services of ours, which ran beside the harness and not in a DC. */
  readonly besideHarness: readonly string[]
}
