// Pings every directed pair of DCs through the links, from before the load until after the run: proof that the WAN has the
// delay that was asked for.
import { BenchError } from '../contract/errors.ts'
import type { LinkVerification } from '../contract/run-folder.ts'
import { linkBetween, type Topology } from '../contract/topology.ts'
import type { PingSample } from './pinged-link.ts'
import type { PingSource } from './wan.ts'

/** A link whose median round trip is further than this from the nominal one is not the WAN that was asked for. */
const LINK_ERROR_MS_MAX = 2.5

const BURST_GAP_MS = 5
const BURST_SAMPLES = 30
/** The first round trips of a burst find cold code. */
const BURST_SKIPPED = 5
const BURST_TIMEOUT_MS = 10_000

/** The pings of a run, whatever they come from. */
export class Pinger {
  readonly #topology: Topology
  readonly #pairs: readonly { readonly from: string; readonly to: string }[]
  readonly #source: PingSource
  /** By pair, when each ping was sent and its round trip, side by side: a run of hours has hundreds of thousands. */
  readonly #taken = new Map<string, { readonly from: string; readonly to: string; readonly numbers: number[] }>()
  readonly #listeners = new Set<(sample: PingSample) => void>()
  #periodMs: number | null = null

  /** The source must be connected before the first ping. */
  constructor(topology: Topology, source: PingSource) {
    this.#topology = topology
    this.#pairs = source.pairs ?? topology.links
    this.#source = source
    source.onSample((sample) => {
      this.#keep(sample)
      for (const listener of this.#listeners) listener(sample)
    })
  }

  /**
   * Takes round trips over every link, best before there is any load. Throws LINK when the median of one is not what the
   * topology says, or none comes back.
   */
  async verify(signal: AbortSignal): Promise<readonly LinkVerification[]> {
    const samples = await this.burst(signal)
    const ours = this.#source.pairs === undefined
    return this.#pairs.map(({ from, to }) => {
      const both = ours ? [linkBetween(this.#topology, from, to), linkBetween(this.#topology, to, from)] : []
      const nominalRttMs = ours ? both.reduce((sum, { delayMs }) => sum + delayMs, 0) : null
      // Pieces that keep their order wait for late ones before them, so jitter may raise the median by as much.
      const jitterMs = both.reduce((sum, link) => sum + link.jitterMs, 0)
      const rttsMs = samples
        .filter((sample) => sample.from === from && sample.to === to)
        .map(({ rttMs }) => rttMs)
        .sort((a, b) => a - b)
      const p50Ms = rttsMs[Math.floor(rttsMs.length / 2)]
      const p99Ms = rttsMs[Math.floor(rttsMs.length * 0.99)]
      if (nominalRttMs !== null && Math.abs(p50Ms - nominalRttMs) > LINK_ERROR_MS_MAX + jitterMs) {
        throw new BenchError(
          'LINK',
          `The round trip from ${from} to ${to} takes ${p50Ms.toFixed(2)} ms where ${nominalRttMs} ms were asked for: the machine is too busy to keep the delay, so end other work and run again.`,
        )
      }
      return { from, to, nominalRttMs, samples: rttsMs.length, p50Ms, p99Ms }
    })
  }

  /**
   * Takes 30 round trips over every link, 5 ms apart, and returns them. Throws LINK when they do not come back, or SERVERS where
   * it is servers of the user's that do not answer.
   */
  async burst(signal?: AbortSignal): Promise<readonly PingSample[]> {
    const taken = new Map(this.#pairs.map(({ from, to }): [string, PingSample[]] => [`${from} to ${to}`, []]))
    const wanted = BURST_SKIPPED + BURST_SAMPLES
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const listener = (sample: PingSample) => {
      const samples = taken.get(`${sample.from} to ${sample.to}`)
      if (samples !== undefined && samples.length < wanted) samples.push(sample)
      if ([...taken.values()].every(({ length }) => length === wanted)) resolve()
    }
    const longestMs = Math.max(0, ...this.#topology.links.map(({ delayMs, jitterMs }) => delayMs + jitterMs))
    const timer = setTimeout(
      () => {
        const silent = [...taken].find(([, { length }]) => length < wanted)?.[0]
        reject(
          this.#source.pairs === undefined
            ? new BenchError('LINK', `Pings from ${silent} do not come back: the log of the link's relay says why.`)
            : new BenchError(
                'SERVERS',
                `Connections from ${silent} do not open any more, though the first one did: see that its server runs, and that nothing between here and there refuses many short ones.`,
              ),
        )
      },
      BURST_TIMEOUT_MS + 8 * longestMs,
    )
    const onAbort = () => reject(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#listeners.add(listener)
    try {
      signal?.throwIfAborted()
      this.#source.ping(BURST_GAP_MS)
      await promise
      return [...taken.values()].flatMap((samples) => samples.slice(BURST_SKIPPED))
    } finally {
      this.#source.ping(this.#periodMs)
      this.#listeners.delete(listener)
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Pings every link once in `periodMs` from now on. */
  start(periodMs: number): void {
    this.#periodMs = periodMs
    this.#source.ping(periodMs)
  }

  /** All round trips that returned since the last call, those of bursts too, pair by pair. A link that holds or resets gives none. */
  drain(): readonly PingSample[] {
    const pairs = [...this.#taken.values()]
    this.#taken.clear()
    return pairs.flatMap(({ from, to, numbers }) =>
      Array.from({ length: numbers.length / 2 }, (_, i) => ({
        from,
        to,
        atUs: numbers[2 * i],
        rttMs: numbers[2 * i + 1],
      })),
    )
  }

  #keep({ from, to, atUs, rttMs }: PingSample): void {
    const pair = `${from} to ${to}`
    let taken = this.#taken.get(pair)
    if (taken === undefined) this.#taken.set(pair, (taken = { from, to, numbers: [] }))
    taken.numbers.push(atUs, rttMs)
  }
}
