// What a driver needs that npm does not bring, as data. Only bench/deploy makes it, once, in a cache folder of the user.
import type { Command, Place, ReadyCheck, ServiceFile } from './service.ts'

/** One thing to do in the folder. */
export interface ProvisionStep {
  /** What it does, for people, such as `fetching Cassandra 5.0.6 with Maven`. */
  readonly what: string
  command(place: Pick<Place, 'folder' | 'ports'>): Command
  /** Absent: it ends by itself with exit code 0. Else it is a server, which is asked to end (SIGTERM) once it is ready. */
  readonly ready?: ReadyCheck
  readonly timeoutMs: number
}

/** A folder that is made when it is first needed, and kept. */
export interface Provision {
  readonly name: string
  /** What it is made of and for, versions included: another key is another folder. */
  readonly key: string
  /** Names of the loopback ports that the steps need. */
  readonly ports: readonly string[]
  files(place: Pick<Place, 'folder' | 'ports'>): readonly ServiceFile[]
  readonly steps: readonly ProvisionStep[]
  /** What to do when a step fails, as the end of a sentence. */
  readonly remedy: string
}
