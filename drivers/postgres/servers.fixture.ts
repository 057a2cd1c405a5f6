// For tests: runs the driver's services on loopback as processes of the test, without any harness around them.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import type { Address, DeployPlan, Endpoints } from '../../bench/contract/driver.ts'
import type { Command, Place, Service } from '../../bench/contract/service.ts'
import { writeServiceFiles } from '../../bench/deploy/service-files.ts'
import type { Table } from '../../bench/contract/table.ts'
import { delay } from '../../bench/lib/clock.ts'
import { processTree, sendSignal } from '../../bench/deploy/process-table.ts'
import { READY_LINE } from '../../bench/lib/service-process.ts'
import { services } from './services.ts'
import { SETTINGS } from './settings.ts'

const HOST = '127.0.0.1'
/** Postgres refuses to run as root: the user `nobody` does it then. */
const NOBODY = 65_534
const AS_ROOT = process.getuid?.() === 0

export const TEST_TABLE: Table = {
  name: 'profiles',
  rows: 1000,
  columns: [
    { name: 'name', type: 'text', minBytes: 8, maxBytes: 24 },
    { name: 'age', type: 'int', min: -5, max: 120 },
    { name: 'note', type: 'text', minBytes: 0, maxBytes: 90 },
  ],
}

/** A plan of two DCs for the test table. */
export function testPlan(settings: Readonly<Record<string, string>> = {}, table: Table = TEST_TABLE): DeployPlan {
  return {
    dcs: [
      { name: 'us-east', index: 0 },
      { name: 'eu-west', index: 1 },
    ],
    replication: 'cdc',
    settings: { ...Object.fromEntries(SETTINGS.map(({ name, default: value }) => [name, value])), ...settings },
    table,
    seed: 7,
    causality: 'bounds',
    secret: 'c0ffee5ec7e7',
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function accepts({ host, port }: Address): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Services of one plan, started by stage, killed and restarted by name; disposing ends and removes everything. */
export class TestDeployment implements AsyncDisposable {
  readonly endpoints: Endpoints
  readonly #folder: string
  readonly #services: readonly Service[]
  readonly #running = new Map<string, ChildProcess>()
  readonly #onExit = () => {
    for (const name of this.#running.keys()) killAll(this.#processes(name))
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }

  private constructor(folder: string, all: readonly Service[], endpoints: Endpoints) {
    this.#folder = folder
    this.#services = all
    this.endpoints = endpoints
    process.once('exit', this.#onExit)
    process.once('SIGTERM', exitNow)
  }

  static async create(plan: DeployPlan): Promise<TestDeployment> {
    const folder = mkdtempSync(join(tmpdir(), 'geowrite-postgres-'))
    chmodSync(folder, 0o755)
    const all = services(plan)
    const endpoints: Record<string, Record<string, Address>> = {}
    for (const { dc, ports } of all) {
      for (const port of ports) (endpoints[dc] ??= {})[port] = { host: HOST, port: await freePort() }
    }
    return new TestDeployment(folder, all, endpoints)
  }

  #place(service: Service): Place {
    return {
      kind: 'process',
      folder: join(this.#folder, service.name.replaceAll(/\W/g, '-')),
      ports: Object.fromEntries(service.ports.map((port) => [port, this.endpoints[service.dc][port]])),
      reach: (dc, port) => this.endpoints[dc][port],
      source: (module) => fileURLToPath(module),
    }
  }

  #spawn(service: Service, { program, args }: Command): ChildProcess {
    const { folder } = this.#place(service)
    const logFile = openSync(join(folder, 'log'), 'a')
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: folder,
      // Another user may not look into ours.
      env: { ...process.env, HOME: folder },
      detached: true,
      stdio: ['pipe', logFile, logFile],
      ...(service.unprivileged && AS_ROOT ? { uid: NOBODY, gid: NOBODY } : {}),
    })
    closeSync(logFile)
    return child
  }

  async #setUp(service: Service): Promise<void> {
    const place = this.#place(service)
    mkdirSync(place.folder, { mode: 0o700 })
    const own = (path: string) => {
      if (service.unprivileged && AS_ROOT) chownSync(path, NOBODY, NOBODY)
    }
    own(place.folder)
    const files = service.files(place)
    writeServiceFiles(place.folder, files)
    for (const { path } of files) own(join(place.folder, path))
    for (const command of service.setup(place)) {
      const [code] = (await once(this.#spawn(service, command), 'exit')) as [number | null]
      if (code !== 0) throw new Error(`${command.program} failed: ${this.log(service.name)}`)
    }
  }

  /** Sets up and starts every service of a stage, and waits until they are ready. */
  async start(stage: Service['stage']): Promise<void> {
    const due = this.#services.filter((service) => service.stage === stage)
    await Promise.all(
      due.map(async (service) => {
        await this.#setUp(service)
        await this.run(service.name)
      }),
    )
  }

  #named(name: string): Service {
    const service = this.#services.find((candidate) => candidate.name === name)
    if (service === undefined) throw new Error(`no service ${name}`)
    return service
  }

  /** Starts a service that has been set up, and waits until it is ready. */
  async run(name: string): Promise<void> {
    const service = this.#named(name)
    const before = this.log(name).length
    const child = this.#spawn(service, service.command(this.#place(service)))
    this.#running.set(name, child)
    const giveUpAtMs = performance.now() + service.readyTimeoutMs
    const ready = async () => {
      if (service.ready.type === 'port') return accepts(this.endpoints[service.dc][service.ready.port])
      return this.log(name).slice(before).includes(`${READY_LINE}\n`)
    }
    while (!(await ready())) {
      if (child.exitCode !== null || performance.now() > giveUpAtMs)
        throw new Error(`${name} did not start: ${this.log(name)}`)
      await delay(20)
    }
  }

  log(name: string): string {
    try {
      return readFileSync(join(this.#place(this.#named(name)).folder, 'log'), 'utf8')
    } catch {
      return ''
    }
  }

  /** Every process of a running service: Postgres's are each a process group of their own. */
  #processes(name: string): readonly number[] {
    const child = this.#running.get(name)
    return child?.pid === undefined || child.exitCode !== null || child.signalCode !== null
      ? []
      : processTree(child.pid)
  }

  /** Kills all processes of a service at once and waits until they are gone: what lives on would keep a server from starting. */
  async kill(name: string): Promise<void> {
    const child = this.#running.get(name)
    const processes = this.#processes(name)
    const ended = processes.length > 0 && child !== undefined ? once(child, 'exit') : undefined
    killAll(processes)
    await ended
    while (processes.some(lives)) await delay(5)
    this.#running.delete(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)))
    process.off('exit', this.#onExit)
    process.off('SIGTERM', exitNow)
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

/** Parents are stopped first, so that none starts another child meanwhile. */
function killAll(processes: readonly number[]): void {
  for (const pid of processes) sendSignal(pid, 'SIGSTOP')
  for (const pid of processes) sendSignal(pid, 'SIGKILL')
}

/** Whether a process is still more than an entry that nobody has waited for. */
function lives(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

/** A test runner that is interrupted sends this: ending in order lets the servers be killed. */
const exitNow = (): never => process.exit(1)

/** How many sessions of a server wait for a lock, as `client` sees it. */
export async function lockWaiters(client: Client): Promise<number> {
  const { rows } = await client.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
  return rows.length
}
