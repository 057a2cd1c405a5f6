// Real nodes for tests: starts what a driver declares, in a temporary folder, and ends it by its own id.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import type { Admin, Address, DeployPlan, Driver, Endpoints, Session } from '../../../bench/contract/driver.ts'
import type { Place, Service } from '../../../bench/contract/service.ts'
import { OPERATION, type RowBatch } from '../../../bench/contract/table.ts'
import { writeServiceFiles } from '../../../bench/deploy/service-files.ts'
import { delay } from '../../../bench/lib/clock.ts'
import { ContentMaker } from '../../../bench/lib/content.ts'
import { HybridClock, LOADED_VERSION, loadedDot, packDot } from '../../../bench/lib/dot.ts'

export const SECRET = '00112233445566778899aabbccddeeff'
const SEED = 5
export const TABLE = {
  name: 'things',
  rows: 5000,
  columns: [
    { name: 'note', type: 'text', minBytes: 20, maxBytes: 90 },
    { name: 'count', type: 'int', min: 0, max: 99 },
  ],
} as const
export const maker = new ContentMaker(TABLE.columns, SEED)

async function freeAddress(): Promise<Address> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return { host: '127.0.0.1', port }
}

/** Waits until a condition holds; fails after `timeoutMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await delay(10)
  }
}

/** Two DCs of a driver, running. */
export class Nodes implements AsyncDisposable {
  readonly driver: Driver
  readonly plan: DeployPlan
  readonly endpoints: Endpoints
  readonly folder = mkdtempSync(join(tmpdir(), 'geowrite-nodes-'))
  readonly #processes = new Map<string, ChildProcess>()
  readonly #services: readonly Service[]

  private constructor(driver: Driver, plan: DeployPlan, endpoints: Endpoints) {
    this.driver = driver
    this.plan = plan
    this.endpoints = endpoints
    this.#services = driver.services(plan)
  }

  static async start(
    driver: Driver,
    settings: Readonly<Record<string, string>> = {},
    asked: Partial<Pick<DeployPlan, 'causality' | 'table'>> = {},
  ): Promise<Nodes> {
    const dcs = ['west', 'east'].map((name, index) => ({ name, index }))
    const defaults = Object.fromEntries(driver.settings.map((setting) => [setting.name, setting.default]))
    const plan: DeployPlan = {
      dcs,
      replication: driver.replications[0].name,
      settings: { ...defaults, ...settings },
      table: TABLE,
      seed: SEED,
      causality: 'bounds',
      secret: SECRET,
      ...asked,
    }
    const endpoints: Endpoints = { west: { node: await freeAddress() }, east: { node: await freeAddress() } }
    const nodes = new Nodes(driver, plan, endpoints)
    await Promise.all(dcs.map(({ name }) => nodes.run(name)))
    return nodes
  }

  /** Starts the node of a DC, again or for the first time, and waits until it is ready. */
  async run(dc: string): Promise<void> {
    const service = this.#services.find((candidate) => candidate.dc === dc) as Service
    const folder = join(this.folder, dc)
    mkdirSync(folder, { recursive: true })
    const place: Place = {
      kind: 'process',
      folder,
      ports: this.endpoints[dc],
      reach: (to, port) => this.endpoints[to][port],
      source: (module) => fileURLToPath(module),
    }
    writeServiceFiles(folder, service.files(place))
    const { args } = service.command(place)
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#processes.set(dc, child)
    await once(child.stdout, 'data')
  }

  pid(dc: string): number {
    const { pid, exitCode, signalCode } = this.#processes.get(dc) ?? {}
    if (pid === undefined || exitCode !== null || signalCode !== null) throw new Error(`the node of ${dc} does not run`)
    return pid
  }

  signal(dc: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#processes.get(dc)?.kill(signal)
  }

  async end(dc: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#processes.get(dc)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  admin(): Promise<Admin> {
    return this.driver.admin(this.endpoints, this.plan, new AbortController().signal)
  }

  open(dc: string, timeoutMs = 5000): Promise<Session> {
    const place = this.plan.dcs.find(({ name }) => name === dc)
    if (place === undefined) throw new Error(`no DC ${dc}`)
    const options = { plan: this.plan, mode: 'batch', timeoutMs, purpose: 'write' } as const
    return this.driver.open(place, this.endpoints, options, new AbortController().signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.plan.dcs.map(({ name }) => this.end(name, 'SIGKILL')))
    rmSync(this.folder, { recursive: true })
  }
}

/** Makes batches of one writer. */
export class Writer {
  readonly #dcIndex: number
  readonly #clock: HybridClock
  #sequence = 0

  constructor(dcIndex: number) {
    this.#dcIndex = dcIndex
    this.#clock = new HybridClock(dcIndex, () => Date.now() * 1000)
  }

  /** A batch that writes `keys`, which ascend. */
  batch(keys: readonly number[], operation: number = OPERATION.upsert): RowBatch {
    const batch = batchOf(
      keys,
      () => packDot(this.#dcIndex, 0, ++this.#sequence),
      () => this.#clock.next(),
    )
    batch.operations.fill(operation)
    return batch
  }
}

function batchOf(keys: readonly number[], dot: (key: number) => number, version: () => number): RowBatch {
  const columns = maker.allocate(keys.length)
  const dots = Float64Array.from(keys, dot)
  dots.forEach((each, i) => maker.fill(columns, i, each))
  return {
    count: keys.length,
    keys: Float64Array.from(keys),
    dots,
    versions: Float64Array.from(keys, version),
    operations: new Uint8Array(keys.length).fill(1),
    columns,
    atomic: false,
  }
}

/** The table's rows before a run, in blocks of 1,000. */
export function* loadedRows(): Generator<RowBatch> {
  for (let from = 0; from < TABLE.rows; from += 1000) {
    yield batchOf(consecutive(from, 1000), loadedDot, () => LOADED_VERSION)
  }
}

export function consecutive(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}
