// Postgres servers with a table of rows and nothing else: initdb, start, COPY, and no replication, proof or threads.
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { parseScenario } from '../cli/scenario-schema.ts'
import type { DeployPlan } from '../contract/driver.ts'
import type { Service } from '../contract/service.ts'
import { LocalDeployment } from '../deploy/local.ts'
import { ContentMaker } from '../lib/content.ts'
import { loadedDot, LOADED_VERSION } from '../lib/dot.ts'
import { delay } from '../lib/clock.ts'
import { deployPlanOf, systemsOf, workloadOf } from '../systems.ts'
import type { ContestOrder } from './comparison.ts'
import type { SystemOptions } from './deployed.ts'
import { copyIn } from './postgres-copy-in.ts'
import { loginWith, type PostgresLogin } from './postgres-ground.ts'
import { COPY_HEADER, COPY_TRAILER, tuplesOf } from './postgres-rows.ts'
import { createTable } from './postgres-statements.ts'

const BLOCK_ROWS = 4096
const LOOK_EVERY_MS = 10

/** The rows that geowrite loads, as COPY takes them. */
function blocksOf({ table, seed }: DeployPlan): Buffer[] {
  const content = new ContentMaker(table.columns, seed)
  const blocks: Buffer[] = [COPY_HEADER]
  for (let first = 0; first < table.rows; first += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, table.rows - first)
    const keys = Float64Array.from({ length: count }, (_, row) => first + row)
    const dots = keys.map(loadedDot)
    const columns = content.allocate(count)
    content.fillRows(columns, dots, count)
    blocks.push(tuplesOf({ keys, dots, columns }, 0, count, LOADED_VERSION))
  }
  return [...blocks, COPY_TRAILER]
}

/** A connection to a server that may still be starting. */
async function connected(login: PostgresLogin, signal: AbortSignal): Promise<Client> {
  for (;;) {
    signal.throwIfAborted()
    const client = new Client(login)
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch (error) {
      // Only what passes by itself: the server is starting.
      if ((error as { code?: unknown }).code !== '57P03') throw error
    }
    await delay(LOOK_EVERY_MS, signal)
  }
}

/** As many servers as the system has, made anew each time. */
export class BareServers {
  readonly #plan: DeployPlan
  readonly #stores: readonly Service[]
  readonly #blocks: readonly Buffer[]
  readonly #order: ContestOrder

  private constructor(plan: DeployPlan, services: readonly Service[], order: ContestOrder) {
    this.#plan = plan
    this.#stores = services.filter(({ role }) => role === 'store')
    this.#blocks = blocksOf(plan)
    this.#order = order
  }

  static of(options: SystemOptions, order: ContestOrder): BareServers {
    const scenario = { ...parseScenario(options), ...order.place }
    const [system] = systemsOf(scenario, order.registry)
    const secret = randomBytes(16).toString('hex')
    const plan = deployPlanOf(system, scenario, workloadOf(scenario, order.registry), secret)
    return new BareServers(plan, system.entry.driver.services(plan), order)
  }

  /** How long it takes from nothing until all servers have all rows. */
  async seconds(): Promise<number> {
    const { place, signal } = this.#order
    const startedMs = performance.now()
    const death = new AbortController()
    await using deployment = new LocalDeployment({
      runId: randomBytes(6).toString('hex'),
      ...(place.data === undefined ? {} : { base: place.data }),
      portRange: place.ports,
      onDeath: (error) => death.abort(error),
    })
    const either = AbortSignal.any([signal, death.signal])
    await deployment.place(this.#stores)
    await deployment.start('deploy', either, () => undefined)
    const endpoints = deployment.endpoints()
    const copies = this.#plan.dcs.map(async ({ name }) => {
      const client = await connected(loginWith(this.#plan.secret, endpoints[name]), either)
      try {
        await client.query(createTable(this.#plan.table))
        await copyIn(client, this.#plan.table, this.#blocks)
      } finally {
        await client.end()
      }
    })
    await Promise.all(copies)
    return (performance.now() - startedMs) / 1000
  }
}
