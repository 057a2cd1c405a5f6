// CPU, memory and storage of one service over all its processes, including those that have ended, and over restarts.
import type { Service } from '../contract/service.ts'
import { processTree, usageOf, type ProcessUsage } from './process-table.ts'

/** What a service has used so far. Counters only grow. */
export interface ServiceUsage {
  readonly service: string
  readonly dc: string
  readonly role: Service['role']
  /** null, as the next two, of a server that is not ours to measure. */
  readonly cpuSeconds: number | null
  /** Private memory of all its processes and the largest shared part, so that shared buffers count once. */
  readonly residentBytes: number | null
  /** The largest `residentBytes` seen. */
  readonly residentMaxBytes: number | null
  /** null where the system does not count them. */
  readonly storageWriteBytes: number | null
  readonly storageReadBytes: number | null
}

/** Of a service that is ours. */
export interface MeasuredUsage extends ServiceUsage {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly residentMaxBytes: number
}

/** All processes of a service at one moment, since they were started; bytes of storage are null where nobody counts them. */
export type Reading = Pick<MeasuredUsage, 'cpuSeconds' | 'residentBytes' | 'storageWriteBytes' | 'storageReadBytes'>

interface Counters {
  readonly cpuSeconds: number
  readonly writeBytes: number
  readonly readBytes: number
}

const ZERO: Counters = { cpuSeconds: 0, writeBytes: 0, readBytes: 0 }

function sum(a: Counters, b: Counters): Counters {
  return {
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    writeBytes: a.writeBytes + b.writeBytes,
    readBytes: a.readBytes + b.readBytes,
  }
}

function atLeast(a: Counters, b: Counters): Counters {
  return {
    cpuSeconds: Math.max(a.cpuSeconds, b.cpuSeconds),
    writeBytes: Math.max(a.writeBytes, b.writeBytes),
    readBytes: Math.max(a.readBytes, b.readBytes),
  }
}

/** Adds up what the processes of one service used. */
export class UsageMeter {
  /** What earlier starts of the service used, as last read before each ended. */
  #before = ZERO
  #now = ZERO
  #residentBytes = 0
  #residentMaxBytes = 0
  #countsStorage = true

  /** Reads the process tree under `pid`, the service's leader. */
  read(pid: number): void {
    const reading = readingOf(pid)
    if (reading !== undefined) this.take(reading)
  }

  /** Takes what was read elsewhere of the processes since they were started. */
  take({ cpuSeconds, residentBytes, storageWriteBytes, storageReadBytes }: Reading): void {
    const total = { cpuSeconds, writeBytes: storageWriteBytes ?? 0, readBytes: storageReadBytes ?? 0 }
    // A child that ends while the tree is read is missed once, or counted twice; the larger reading is never far off.
    this.#now = atLeast(this.#now, total)
    this.#residentBytes = residentBytes
    this.#residentMaxBytes = Math.max(this.#residentMaxBytes, residentBytes)
    if (storageWriteBytes === null) this.#countsStorage = false
  }

  /** The processes have ended; a later start counts on from here. */
  restart(): void {
    this.#before = sum(this.#before, this.#now)
    this.#now = ZERO
    this.#residentBytes = 0
  }

  usage({ name, dc, role }: Service): MeasuredUsage {
    const { cpuSeconds, writeBytes, readBytes } = sum(this.#before, this.#now)
    return {
      service: name,
      dc,
      role,
      cpuSeconds,
      residentBytes: this.#residentBytes,
      residentMaxBytes: this.#residentMaxBytes,
      storageWriteBytes: this.#countsStorage ? writeBytes : null,
      storageReadBytes: this.#countsStorage ? readBytes : null,
    }
  }
}

/** The process tree under `pid` now; undefined when it has ended. */
export function readingOf(pid: number): Reading | undefined {
  const usages = usageOf(processTree(pid, 'first'))
  if (usages.length === 0) return undefined
  const { cpuSeconds, writeBytes, readBytes } = usages.map(countersOf).reduce(sum, ZERO)
  const shared = Math.max(...usages.map(({ sharedBytes }) => sharedBytes))
  const counted = usages[0].storageWriteBytes !== null
  return {
    cpuSeconds,
    residentBytes:
      shared + usages.reduce((bytes, { residentBytes, sharedBytes }) => bytes + residentBytes - sharedBytes, 0),
    storageWriteBytes: counted ? writeBytes : null,
    storageReadBytes: counted ? readBytes : null,
  }
}

function countersOf({ cpuSeconds, storageWriteBytes, storageReadBytes }: ProcessUsage): Counters {
  return { cpuSeconds, writeBytes: storageWriteBytes ?? 0, readBytes: storageReadBytes ?? 0 }
}
