// Loopback ports for a run's services. A run claims ports in blocks by listening on the first port of each: the system
// itself keeps two runs apart, whoever started them, and frees the block when a run dies.
import { createServer, type Server } from 'node:net'
import { BenchError } from '../contract/errors.ts'
import type { Address } from '../contract/driver.ts'

const LOOPBACK = '127.0.0.1'
const BLOCK_PORTS = 16

/** Ports from `first` up to and including `last`. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Below the range from which Linux takes ports for outgoing connections. */
const DEFAULT_PORT_RANGE: PortRange = { first: 15_000, last: 32_000 }

/** Listens on a port, or not when it is taken. */
function claim(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined)
      else reject(error)
    })
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server))
  })
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Hands out free ports, each once; other allocators on the machine never hand out the same while this one lives. */
export class PortAllocator implements AsyncDisposable {
  readonly #range: PortRange
  readonly #guards: Server[] = []
  readonly #blocks: Iterator<number>
  #next = 0
  #end = 0

  constructor(range: PortRange = DEFAULT_PORT_RANGE) {
    this.#range = range
    this.#blocks = this.#blocksFromRandom()
  }

  /** Distinct ports that nothing listens on; throws PORTS when the range has no more. */
  async take(count: number): Promise<readonly Address[]> {
    const taken: Address[] = []
    while (taken.length < count) {
      if (this.#next === this.#end) await this.#claimBlock()
      while (this.#next < this.#end && taken.length < count) {
        const port = this.#next++
        const server = await claim(port)
        if (server === undefined) continue
        await release(server)
        taken.push({ host: LOOPBACK, port })
      }
    }
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#guards.splice(0).map(release))
  }

  async #claimBlock(): Promise<void> {
    for (let block = this.#blocks.next(); block.done !== true; block = this.#blocks.next()) {
      const guard = await claim(block.value)
      if (guard === undefined) continue
      guard.unref()
      this.#guards.push(guard)
      this.#next = block.value + 1
      this.#end = Math.min(block.value + BLOCK_PORTS, this.#range.last + 1)
      return
    }
    const { first, last } = this.#range
    throw new BenchError(
      'PORTS',
      `No free port is left on ${LOOPBACK} from ${first} to ${last}: give a larger range with --ports, or end what uses it.`,
    )
  }

  /** First ports of the range's blocks, from a random one on: runs that start at once rarely meet. */
  *#blocksFromRandom(): Generator<number, undefined> {
    const { first, last } = this.#range
    const count = Math.ceil((last + 1 - first) / BLOCK_PORTS)
    const start = Math.floor(Math.random() * count)
    for (let i = 0; i < count; i++) yield first + ((start + i) % count) * BLOCK_PORTS
    return undefined
  }
}
