// The drivers of the tree, but for their clients' connections: each goes through a proxy that cuts it in the middle of writes, at
// moments that depend on the seed alone.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { lsm } from '../drivers/lsm/driver.ts'
import { memory } from '../drivers/memory/driver.ts'
import { postgres } from '../drivers/postgres/driver.ts'
import type { Address, Driver, Endpoints, Session } from './contract/driver.ts'
import type { RowBatch } from './contract/table.ts'
import { hashNumber } from './lib/random.ts'

/** Share of the batches whose connection is cut. */
const CUT_SHARE = 0.35
const SALT = 0x63757421
const LONGEST_MS = 4
/** A cut that waits for bytes which do not come is made then. */
const PATIENCE_MS = 10

/** Bytes that may still pass in one direction before the connection is cut. */
type Budget = { readonly direction: 'up' | 'down'; bytes: number }

/** Connections to one address, all of which can be cut. */
class CuttingProxy {
  readonly #target: Address
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, store: Socket]>()
  #budget: Budget | undefined

  private constructor(target: Address) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client))
  }

  static async open(target: Address): Promise<{ readonly proxy: CuttingProxy; readonly address: Address }> {
    const proxy = new CuttingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    const address = proxy.#server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a proxy without a port')
    return { proxy, address: { host: '127.0.0.1', port: address.port } }
  }

  /** Cuts once so many bytes more have passed. */
  cutAfterBytes(direction: Budget['direction'], bytes: number): void {
    const budget = { direction, bytes }
    this.#budget = budget
    setTimeout(() => {
      if (this.#budget === budget) this.cut(false)
    }, PATIENCE_MS).unref()
  }

  /** @param reset with an RST, which drops what is still on its way to the store. */
  cut(reset: boolean): void {
    this.#budget = undefined
    for (const [client, store] of this.#pairs) {
      client.destroy()
      if (reset) store.resetAndDestroy()
      else store.destroy()
    }
  }

  close(): void {
    this.#server.close()
    this.cut(false)
  }

  #join(client: Socket): void {
    const store = connect({ ...this.#target, noDelay: true })
    const pair = [client, store] as const
    this.#pairs.add(pair)
    const end = () => {
      this.#pairs.delete(pair)
      client.destroy()
      store.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    client.on('data', (bytes) => this.#pass('up', bytes, store))
    store.on('data', (bytes) => this.#pass('down', bytes, client))
  }

  #pass(direction: Budget['direction'], bytes: Buffer, to: Socket): void {
    const budget = this.#budget
    if (budget === undefined || budget.direction !== direction || bytes.length < budget.bytes) {
      if (budget?.direction === direction) budget.bytes -= bytes.length
      to.write(bytes)
      return
    }
    // What was let through still goes out before the end.
    to.end(bytes.subarray(0, budget.bytes))
    this.#budget = undefined
    setImmediate(() => this.cut(false))
  }
}

class CutSession implements Session {
  readonly #inner: Session
  readonly #proxies: readonly CuttingProxy[]
  readonly #seed: number

  constructor(inner: Session, proxies: readonly CuttingProxy[], seed: number) {
    this.#inner = inner
    this.#proxies = proxies
    this.#seed = seed
  }

  write(batch: RowBatch): ReturnType<Session['write']> {
    const draw = (salt: number) => hashNumber(batch.dots[0], (this.#seed ^ SALT) + salt) / 2 ** 32
    if (draw(0) < CUT_SHARE) for (const proxy of this.#proxies) this.#aim(proxy, batch, draw)
    return this.#inner.write(batch)
  }

  read(keys: Float64Array): ReturnType<Session['read']> {
    return this.#inner.read(keys)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]()
    for (const proxy of this.#proxies) proxy.close()
  }

  /** In the middle of the request, or of its answer, or some time on the way. */
  #aim(proxy: CuttingProxy, batch: RowBatch, draw: (salt: number) => number): void {
    const kind = Math.floor(draw(1) * 3)
    if (kind === 0) proxy.cutAfterBytes('up', Math.floor(draw(2) * batch.count * 400))
    else if (kind === 1) proxy.cutAfterBytes('down', Math.floor(draw(2) * 12))
    else setTimeout(() => proxy.cut(draw(3) < 0.5), draw(2) * LONGEST_MS).unref()
  }
}

function withCuts(driver: Driver): Driver {
  return {
    ...driver,
    name: `cut-${driver.name}`,
    async open(dc, seen, options, signal) {
      if (options.purpose !== 'write') return driver.open(dc, seen, options, signal)
      const opened = await Promise.all(
        Object.entries(seen[dc.name]).map(async ([name, target]) => ({ name, ...(await CuttingProxy.open(target)) })),
      )
      const own = Object.fromEntries(opened.map(({ name, address }) => [name, address]))
      const cut: Endpoints = { ...seen, [dc.name]: own }
      const inner = await driver.open(dc, cut, options, signal)
      return new CutSession(
        inner,
        opened.map(({ proxy }) => proxy),
        options.plan.seed,
      )
    },
  }
}

export const cutMemory = withCuts(memory)
export const cutLsm = withCuts(lsm)
export const cutPostgres = withCuts(postgres)
