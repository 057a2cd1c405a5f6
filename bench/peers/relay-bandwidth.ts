// How well a relay keeps a bandwidth: what gets through of it, and what it holds meanwhile.
import { delay } from '../lib/clock.ts'
import type { ContestOrder, Gauge, Side } from './comparison.ts'
import { RelayGround } from './relay-ground.ts'
import { BYTES_PER_MB, nothingMissing, startStream } from './relay-stream.ts'

const LINK = { delayMs: 40, bandwidthBytesPerSecond: 100 * BYTES_PER_MB }
const ON_THE_WAY_BYTES = (LINK.bandwidthBytesPerSecond * LINK.delayMs) / 1000
const LOOK_EVERY_MS = 10

/** A sender that always has more than the link takes. */
async function flooded(
  order: ContestOrder,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly ground: RelayGround; readonly side: Side }> {
  const ground = await RelayGround.open(LINK, order, cleanup)
  const stream = { entry: ground.entry, exit: ground.exit, bytesPerSecond: null, always: true }
  return { ground, side: await startStream('through the relay', stream, order, cleanup) }
}

const WHAT = '40 ms each way, --bandwidth=100MB/s, a sender that has more'

export const relayBandwidth: readonly Gauge[] = [
  {
    name: 'relay-bandwidth',
    what: WHAT,
    unit: 'of the bandwidth',
    target: { bound: 0.95, is: 'least' },
    missing: nothingMissing,
    async open(order, cleanup) {
      const { side } = await flooded(order, cleanup)
      return async (durationMs) => {
        const { amount, seconds } = await side.turn(durationMs)
        return amount / seconds / LINK.bandwidthBytesPerSecond
      }
    },
  },
  {
    name: 'relay-held',
    what: `${WHAT}: most that the relay held, beyond bandwidth × delay`,
    unit: 'MB',
    target: { bound: 1, is: 'most' },
    missing: nothingMissing,
    async open(order, cleanup) {
      const { ground } = await flooded(order, cleanup)
      return async (durationMs) => {
        let heldBytes = 0
        for (const untilMs = performance.now() + durationMs; performance.now() < untilMs;) {
          heldBytes = Math.max(heldBytes, (await ground.counters()).heldBytes)
          await delay(LOOK_EVERY_MS, order.signal)
        }
        return (heldBytes - ON_THE_WAY_BYTES) / BYTES_PER_MB
      }
    },
  },
]
