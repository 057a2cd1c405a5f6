// The contract between the harness and one store. A driver declares; bench/deploy alone starts and stops things.
import type { Column, RowBatch, Table } from './table.ts'
import type { Dc } from './topology.ts'
import type { WriteResult } from './outcome.ts'
import type { Provision } from './provision.ts'
import type { External, ExternalUse } from './external.ts'
import type { Place, Service } from './service.ts'
import type { Counters, StoreDescription } from './store-words.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** DC name → port name → where to reach it, as seen from one place. Port names are unique within a DC. */
export type Endpoints = Readonly<Record<string, Readonly<Record<string, Address>>>>

/** What an admin needs of the deployment to join DCs whose servers connect to their peers by themselves. */
export interface Joining {
  /** The endpoints of all DCs as *services* in `dc` reach them: its own directly, the others through the link. */
  seenFrom(dc: string): Endpoints
  /** Changes a text file in a service's folder, by the path that the service gave it; a server reads it when it is told to, or starts again. */
  edit(service: string, path: string, change: (text: string) => string): Promise<void>
}

export interface Capabilities {
  readonly conflicts: 'none' | 'last-write-wins' | 'version-vector' | 'merge' | 'diverges'
  readonly acknowledges: 'local' | 'quorum' | 'all'
  /** Rows reach the other DC in the order in which they were acknowledged. */
  readonly ordered: boolean
  readonly transactions: boolean
  /** Rows can be read back: without it there is no lag, no conflict and no convergence to measure. */
  readonly readable: boolean
  /** Every row can keep a version vector, and a write can say what it found: `--causality=exact` is possible. */
  readonly vectors?: true
  /** `increment` adds where the row is, instead of being refused. */
  readonly increments?: true
  /**
   * Writes are not compared with the row that is there: one whose version is not above the row's is acknowledged and beaten,
   * instead of being raised above it.
   */
  readonly blindWrites?: true
}

/**
 * What an undisturbed write waits for before it is acknowledged, in theory: `roundTrips` to no other DC (`own`; 0), to the nearest
 * ones that make a majority of the DCs with its own (`majority`), or to the farthest one.
 */
export interface Waits {
  readonly roundTrips: number
  readonly to: 'own' | 'majority' | 'farthest'
}

/** How a driver's DCs are kept in sync. */
export interface Replication {
  readonly name: string
  readonly meaning: string
  readonly capabilities: Capabilities
  /** Under these settings of the driver; absent: it does not say. */
  waits?(settings: Readonly<Record<string, string>>): Waits
}

/** How rows are handed to a store. */
export interface WriteMode {
  readonly name: string
  readonly meaning: string
  /** Rows a batch may hold unless the user says otherwise; 1 for single-row modes. */
  readonly batchRows: number
  /** Batches a session may have under way at once; the store must keep their order. */
  readonly inFlight: number
  /** Writers (sessions) a DC unless the user says otherwise. */
  readonly writers: number
  /** The mode can only insert rows that are not there: it is refused for a workload that does more. */
  readonly appendsOnly?: true
  /** Names of replications that it does not go with. */
  readonly notFor?: readonly string[]
}

/** A setting of one store: `--set <driver>.<name>=<value>`. */
export interface Setting {
  readonly name: string
  readonly meaning: string
  readonly type: 'text' | 'boolean' | 'number'
  readonly default: string
}

/** Everything that a driver needs to say what runs where. */
export interface DeployPlan {
  readonly dcs: readonly Dc[]
  readonly replication: string
  /** Every setting of the driver, defaults filled in. */
  readonly settings: Readonly<Record<string, string>>
  readonly table: Table
  readonly seed: number
  /**
   * `exact`: every row keeps a version vector beside its version, joined with that of every row that arrives, kept or beaten; writes
   * answer with `overwrote` and `seen`, reads with `seen`. Asked only of replications that declare `vectors`.
   */
  readonly causality: 'bounds' | 'exact'
  /** A random password for this run, hexadecimal. Never in an argument list, a log or a result. */
  readonly secret: string
  /** The servers that the driver did not deploy; absent: it deploys its own. */
  readonly external?: External
}

export interface SessionOptions {
  readonly plan: DeployPlan
  readonly mode: string
  readonly timeoutMs: number
  readonly purpose: 'write' | 'probe'
}

/** What a DC holds now for the keys asked, by position; dot 0 means no such row. */
export interface RowVersions {
  readonly dots: Float64Array
  readonly versions: Float64Array
  /** Where causality is exact: the row's version vector, `seen[i × DCs + d]`, its own dot included. */
  readonly seen?: Float64Array
}

/** One writer's or prober's connection to one DC. Generators and probes use it. */
export interface Session extends AsyncDisposable {
  /** Applies the batch once, without retries; resolves within `timeoutMs` (a timeout is `info`). */
  write(batch: RowBatch): Promise<WriteResult>
  /** Reads what this DC holds now for `keys`, as one snapshot where the store has them. Rejects on failure. */
  read(keys: Float64Array): Promise<RowVersions>
}

/** Rows to load, one block after another; each call starts again from the first row. */
export type RowSource = () => Iterable<RowBatch>

/** What is still to replicate over one link, in the store's own unit. */
export interface Backlog {
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly unit: 'bytes' | 'rows'
}

/** Order-independent digests of one DC by bucket (bucket = key mod buckets), with the times around the snapshot (µs, CLOCK_MONOTONIC). */
export interface Digest {
  readonly startedUs: number
  readonly endedUs: number
  readonly counts: Float64Array
  /** Sum modulo 2^64 and exclusive or of a 64-bit hash over key, dot, version and values. */
  readonly sums: BigUint64Array
  readonly xors: BigUint64Array
}

/** Which rows to digest or read: the given keys, or the whole table, or one bucket of it. */
export type RowSelection = { readonly keys: Float64Array } | { readonly bucket: number; readonly buckets: number }

/** Rows as a DC holds them, in columns; `contents[i]` is the canonical encoding of `bench/lib/content.ts`, empty for a tombstone. Rows that do not exist are left out. */
export interface RowStates {
  readonly count: number
  readonly keys: Float64Array
  readonly dots: Float64Array
  readonly versions: Float64Array
  readonly contents: readonly Uint8Array[]
}

/** One a run, in the main process, with every DC reached directly. */
export interface Admin extends AsyncDisposable {
  describe(): Promise<StoreDescription>
  /** Creates the table in every DC. */
  prepare(): Promise<void>
  /** Fills every DC with the same rows and versions, without replicating them; returns when they are durable. `progress` gets rows done in every DC. */
  load(source: RowSource, progress: (rows: number) => void): Promise<void>
  /**
   * Makes the DCs ready to replicate from here on; services of stage `replicate` start after it. A store that connects to
   * its peers by itself must be given their addresses as `joining.seenFrom` its own DC.
   */
  replicate(joining: Joining): Promise<void>
  /** By link, as its source knows it; links from DCs that do not answer at once are left out. */
  backlog(): Promise<readonly Backlog[]>
  digest(dc: string, selection: { readonly buckets: number; readonly keys?: Float64Array }): Promise<Digest>
  rows(dc: string, selection: RowSelection): AsyncIterable<RowStates>
  counters(): Promise<Counters>
  /** Writes out what is still only in memory, as a checkpoint does, so that its bytes are counted. */
  flush(): Promise<void>
  /**
   * On servers that were not deployed: removes what the run made there, at once and whatever is still under way, after the services
   * of stage `replicate` have ended; nothing where the run made nothing. Asked before the admin is disposed.
   */
  remove?(): Promise<void>
}

/** What a system is to take in, for an estimate before a run. */
export interface Demand {
  readonly columns: readonly Column[]
  /** Rows of the table. */
  readonly rows: number
  /** Rows written into one DC over the run: loaded, written there, and replicated from others. */
  readonly writtenRows: number
  readonly settings: Readonly<Record<string, string>>
  /** DCs of the version vector that every row keeps beside what `bytesPerRow` counts; 0 unless causality is exact. */
  readonly vectorDcs: number
}

/** What one DC's store takes of the machine beside its rows at rest. */
export interface Needs {
  /** Logs, dead rows, and the copies that sorting or compacting makes for a while. */
  readonly diskBytes: number
  readonly memoryBytes: number
}

export interface Driver {
  readonly name: string
  readonly summary: string
  /** The first is the default. */
  readonly replications: readonly [Replication, ...Replication[]]
  /** The first is the default. */
  readonly modes: readonly [WriteMode, ...WriteMode[]]
  readonly settings: readonly Setting[]
  /** Its servers compile or learn while they run, so that they are slow at first: a run warms up until steady unless told otherwise. */
  readonly warmsUp?: true
  /**
   * What the driver needs from the machine, for `doctor`: undefined when all is there, else what is missing and how to get it.
   * `kind`: where its services run; in containers the programs are those of their images. Absent: `process`.
   */
  missing(settings: Readonly<Record<string, string>>, kind?: Place['kind']): Promise<string | undefined>
  /** Folders that must be made before anything is deployed: programs that npm does not bring. Absent: none. */
  provisions?(settings: Readonly<Record<string, string>>, kind?: Place['kind']): readonly Provision[]
  /** Its stores among these are described but not started where `plan.external` says where they are. */
  services(plan: DeployPlan): readonly Service[]
  /** How it uses servers that it did not deploy; else why it cannot, as the end of a sentence. Absent: it does not say. */
  readonly external?: ExternalUse | { readonly cannot: string }
  /** `seen` holds every DC's endpoints as clients in `dc` reach them: its own directly, the others through the link. */
  open(dc: Dc, seen: Endpoints, options: SessionOptions, signal: AbortSignal): Promise<Session>
  admin(endpoints: Endpoints, plan: DeployPlan, signal: AbortSignal): Promise<Admin>
  /** Bytes that one loaded row takes on disk in one DC, for estimates before a run. */
  bytesPerRow(columns: readonly Column[]): number
  /** What else one DC's store needs at most; absent: next to nothing. */
  needs?(demand: Demand): Needs
}
