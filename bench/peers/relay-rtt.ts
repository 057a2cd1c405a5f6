// How exactly a relay keeps the delay that was asked for: alone, and while bytes stream through it.
import type { Gauge } from './comparison.ts'
import { RelayGround } from './relay-ground.ts'
import { BYTES_PER_MB, nothingMissing, startStream } from './relay-stream.ts'

const LINK = { delayMs: 40 }

function roundTripError(name: string, megabytesPerSecond: number, bound: number): Gauge {
  return {
    name,
    what: `40 ms each way, ${megabytesPerSecond === 0 ? 'pings alone' : `beside ${megabytesPerSecond} MB/s`}: error of the round trip`,
    unit: 'ms, p99',
    target: { bound, is: 'most' },
    missing: nothingMissing,
    async open(order, cleanup) {
      const ground = await RelayGround.open(LINK, order, cleanup)
      if (megabytesPerSecond > 0) {
        const stream = {
          entry: ground.entry,
          exit: ground.exit,
          bytesPerSecond: megabytesPerSecond * BYTES_PER_MB,
          always: true,
        }
        await startStream('beside the pings', stream, order, cleanup)
      }
      return (durationMs) => ground.roundTripErrorMs(durationMs)
    },
  }
}

export const relayRoundTrips: readonly Gauge[] = [
  roundTripError('relay-rtt-idle', 0, 1),
  roundTripError('relay-rtt-loaded', 50, 2),
]
