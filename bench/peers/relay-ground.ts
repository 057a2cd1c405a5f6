// One relay as a run starts it, with pings through it and a route for bytes: what all measurements of relays share.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Address } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import type { Link, Topology } from '../contract/topology.ts'
import { PortAllocator } from '../deploy/ports.ts'
import { untilReady } from '../deploy/readiness.ts'
import { LogReader } from '../deploy/service-log.ts'
import { ended, spawnCommand } from '../deploy/spawn.ts'
import { delay } from '../lib/clock.ts'
import { READY_LINE } from '../lib/service-process.ts'
import type { LinkCounters, RelayConfig, RelayRoute } from '../wan/link-state.ts'
import { RelayClient } from '../wan/relay-client.ts'
import { ThreadPings } from '../wan/thread-pings.ts'
import type { ContestOrder } from './comparison.ts'

const RELAY = fileURLToPath(new URL('../wan/relay.ts', import.meta.url))
const [HERE, THERE] = ['here', 'there']
const READY_WITHIN_MS = 20_000
const PING_EVERY_MS = 10
/** The first round trips find cold code. */
const PINGS_SKIPPED = 20

/** Both directed links are the same. */
type LinkFigures = Pick<Link, 'delayMs' | 'bandwidthBytesPerSecond'>

export class RelayGround {
  /** Bytes sent to `entry` come out at `exit`, where the one who measures listens. */
  readonly entry: Address
  readonly exit: Address
  readonly #pings: ThreadPings
  readonly #client: RelayClient
  readonly #signal: AbortSignal
  readonly #delayMs: number

  private constructor(
    [entry, exit]: readonly Address[],
    pings: ThreadPings,
    client: RelayClient,
    { signal }: ContestOrder,
    { delayMs }: LinkFigures,
  ) {
    this.entry = entry
    this.exit = exit
    this.#pings = pings
    this.#client = client
    this.#signal = signal
    this.#delayMs = delayMs
  }

  /** Starts a relay of its own; `cleanup` ends it. */
  static async open(link: LinkFigures, order: ContestOrder, cleanup: AsyncDisposableStack): Promise<RelayGround> {
    const ports = cleanup.use(new PortAllocator(order.place.ports))
    const [control, entry, exit, pingThere, pingBack] = await ports.take(5)
    const both = { jitterMs: 0, ...link }
    const links = [
      { from: HERE, to: THERE, ...both },
      { from: THERE, to: HERE, ...both },
    ] as const
    const topology: Topology = { dcs: [HERE, THERE].map((name, index) => ({ name, index })), links }
    const pings = cleanup.use(await ThreadPings.open(topology))
    const pingEntry = (from: string): Address => (from === HERE ? pingThere : pingBack)
    const pinged = pings.routes.map(({ from, to, target = exit, counted }): RelayRoute => ({
      from,
      to,
      listen: pingEntry(from),
      target,
      counted,
    }))
    const stream: RelayRoute = { from: HERE, to: THERE, listen: entry, target: exit, counted: true }
    await startRelay({ control, links, routes: [stream, ...pinged], seed: order.place.seed }, order, cleanup)
    const client = cleanup.use(await RelayClient.open(control))
    await pings.connect(pingEntry)
    return new RelayGround([entry, exit], pings, client, order, link)
  }

  /** Of the link on which the bytes travel, now. */
  async counters(): Promise<LinkCounters> {
    const [there] = await this.#client.counters()
    return there
  }

  /** The 99th percentile of how far round trips are from twice the delay, in ms: pings both ways, each once in 10 ms. */
  async roundTripErrorMs(durationMs: number): Promise<number> {
    const errorsMs: number[] = []
    this.#pings.onSample(({ rttMs }) => errorsMs.push(Math.abs(rttMs - 2 * this.#delayMs)))
    this.#pings.ping(PING_EVERY_MS)
    try {
      await delay(durationMs, this.#signal)
    } finally {
      this.#pings.ping(null)
    }
    const sorted = errorsMs.slice(PINGS_SKIPPED).sort((a, b) => a - b)
    if (sorted.length === 0) throw new BenchError('LINK', 'No ping came back through the relay: its log says why.')
    return sorted[Math.floor(sorted.length * 0.99)]
  }
}

async function startRelay(config: RelayConfig, order: ContestOrder, cleanup: AsyncDisposableStack): Promise<void> {
  const folder = mkdtempSync(join(order.folder, 'relay-'))
  const [configPath, logPath] = [join(folder, 'relay.json'), join(folder, 'relay.log')]
  writeFileSync(configPath, JSON.stringify(config), { mode: 0o600 })
  const log = new LogReader(logPath)
  const child = spawnCommand({ program: 'node', args: [RELAY, configPath] }, { folder, logPath, user: undefined })
  const failed = (how: string): BenchError =>
    new BenchError('SERVICE_START', `The relay ${how}: end other work on this machine and run again.`)
  const { pid } = child
  if (pid === undefined) throw failed('did not start')
  order.guardian.watch(pid, 'SIGTERM')
  cleanup.defer(async () => {
    // It ends when the harness lets go of it.
    child.stdin?.end()
    await ended(child)
    order.guardian.forget(pid)
  })
  const died = ended(child).then(() => Promise.reject(failed('ended before it was ready')))
  died.catch(() => undefined)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(failed('was not ready in time')), READY_WITHIN_MS)
  const signal = AbortSignal.any([order.signal, late.signal])
  const ready = untilReady({ type: 'line', starts: READY_LINE }, { ports: {} }, log, signal)
  await Promise.race([ready, died]).finally(() => clearTimeout(timer))
}
