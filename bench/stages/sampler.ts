// For as long as a run lasts: CPU, memory and I/O of the client and every service once a second, and the state of the links.
import { join } from 'node:path'
import type { Admin } from '../contract/driver.ts'
import { LINK_COLUMNS, RESOURCE_COLUMNS, RUN_FILES, type CounterMark } from '../contract/run-folder.ts'
import { nowUs } from '../lib/clock.ts'
import { TimelyAnswers } from '../lib/timely-answers.ts'
import { deviceWrittenBytes } from '../measure/ground.ts'
import { harnessUsage } from '../measure/resources.ts'
import { atSeconds, CsvLog } from '../measure/csv-log.ts'
import type { House } from './house.ts'

const EVERY_MS = 1000
/** How often the links and the backlog are looked at where a fault is to be followed. */
const FOLLOW_EVERY_MS = 200
/** A store or relay that is broken on purpose does not answer: what it was asked for is left out of the sample. */
const ANSWER_WITHIN_MS = 500

export class Sampler {
  readonly #house: House
  readonly #admin: Admin
  readonly #epochUs: number
  readonly #resources: CsvLog
  readonly #links: CsvLog
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #answers = new TimelyAnswers(ANSWER_WITHIN_MS)
  #sampling: Promise<void> = Promise.resolve()
  #busy = false
  #samplingResources: Promise<void> = Promise.resolve()
  #busyWithResources = false
  #closing: Promise<void> | undefined
  #clientResidentMaxBytes = 0

  /** @param follow a fault is to be followed: the links and the backlog are sampled more often. */
  constructor(folder: string, house: House, admin: Admin, epochUs: number, follow: boolean) {
    this.#house = house
    this.#admin = admin
    this.#epochUs = epochUs
    this.#resources = new CsvLog(join(folder, RUN_FILES.resources), RESOURCE_COLUMNS)
    this.#links = new CsvLog(join(folder, RUN_FILES.links), LINK_COLUMNS)
    this.#timers = [
      setInterval(() => this.#nextResources(), EVERY_MS),
      setInterval(() => this.#next(), follow ? FOLLOW_EVERY_MS : EVERY_MS),
    ]
  }

  /** The services, and the harness as a service called `client` without a DC. */
  async #usage() {
    const { cpuSeconds, residentBytes } = harnessUsage()
    this.#clientResidentMaxBytes = Math.max(this.#clientResidentMaxBytes, residentBytes)
    const client = {
      service: 'client',
      dc: '',
      role: 'client',
      cpuSeconds,
      residentBytes,
      residentMaxBytes: this.#clientResidentMaxBytes,
      // What the harness writes is its own ledger: no store's doing.
      storageWriteBytes: null,
      storageReadBytes: null,
    }
    return [client, ...(await this.#house.usage())]
  }

  #next(): void {
    if (this.#busy) return
    this.#busy = true
    // A store that is slow to answer must not pile up questions; a sample that failed is a gap in the file.
    this.#sampling = this.#sampleLinks()
      .catch(() => undefined)
      .finally(() => {
        this.#busy = false
      })
  }

  /** An engine that is asked may be slow to answer, and a sample that failed is a gap in the file. */
  #nextResources(): void {
    if (this.#busyWithResources) return
    this.#busyWithResources = true
    this.#samplingResources = this.#sampleResources()
      .catch(() => undefined)
      .finally(() => {
        this.#busyWithResources = false
      })
  }

  async #sampleResources(): Promise<void> {
    const at = atSeconds(nowUs() - this.#epochUs)
    for (const usage of await this.#usage()) {
      const { service, dc, role, cpuSeconds, residentBytes, storageWriteBytes, storageReadBytes } = usage
      this.#resources.row([
        at,
        service,
        dc,
        role,
        cpuSeconds?.toFixed(3) ?? null,
        residentBytes,
        storageWriteBytes,
        storageReadBytes,
      ])
    }
  }

  async #sampleLinks(): Promise<void> {
    const at = atSeconds(nowUs() - this.#epochUs)
    const [counters, backlog] = await Promise.all([
      this.#answers.of('links', () => this.#house.links.counters()),
      this.#answers.of('backlog', () => this.#admin.backlog()),
    ])
    for (const { from, to } of this.#house.topology.links) {
      const link = counters?.find((entry) => entry.from === from && entry.to === to)
      const behind = backlog?.find((entry) => entry.from === from && entry.to === to)
      if (link === undefined && behind === undefined) continue
      const { payloadBytes = null, heldBytes = null } = link ?? {}
      this.#links.row([at, from, to, payloadBytes, heldBytes, behind?.amount ?? null, behind?.unit ?? null])
    }
  }

  /** All counters at this moment. */
  async mark(name: CounterMark['name']): Promise<CounterMark> {
    const links = (await this.#house.links.counters()).map(({ from, to, payloadBytes }) => ({ from, to, payloadBytes }))
    const usages = await this.#usage()
    const services = usages.map(({ service, dc, role, cpuSeconds, residentMaxBytes, storageWriteBytes }) => {
      return { service, dc, role, cpuSeconds, storageWriteBytes, residentMaxBytes }
    })
    const deviceWriteBytes = this.#house.storesAreHere ? deviceWrittenBytes(this.#house.ground.folder) : null
    return { name, atUs: nowUs() - this.#epochUs, deviceWriteBytes, links, services }
  }

  /** Stores what was sampled; again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([this.#sampling, this.#samplingResources])
    await Promise.all([this.#resources.close(), this.#links.close()])
  }
}
