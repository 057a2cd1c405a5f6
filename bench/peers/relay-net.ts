// How many bytes a second go through a relay that delays nothing: alone, and beside a socket without one.
import { PortAllocator } from '../deploy/ports.ts'
import type { Comparison, Gauge } from './comparison.ts'
import { RelayGround } from './relay-ground.ts'
import { BYTES_PER_MB, nothingMissing, startStream } from './relay-stream.ts'

const NO_DELAY = { delayMs: 0 }
const FLAT_OUT = { bytesPerSecond: null, always: false }

export const relayNet: Comparison = {
  name: 'relay-net',
  what: 'one connection through a relay without delay',
  peer: 'bare net socket on loopback',
  unit: 'bytes',
  target: null,
  missing: nothingMissing,
  async open(order, cleanup) {
    const ground = await RelayGround.open(NO_DELAY, order, cleanup)
    const [direct] = await cleanup.use(new PortAllocator(order.place.ports)).take(1)
    return {
      geowrite: await startStream(
        'through the relay',
        { entry: ground.entry, exit: ground.exit, ...FLAT_OUT },
        order,
        cleanup,
      ),
      peer: await startStream('without the relay', { entry: direct, exit: direct, ...FLAT_OUT }, order, cleanup),
      settle: () => Promise.resolve(),
    }
  },
}

export const relayThroughput: Gauge = {
  name: 'relay-throughput',
  what: 'one connection through a relay without delay; source and sink on the same two cores',
  unit: 'MB/s',
  target: { bound: 200, is: 'least' },
  missing: nothingMissing,
  async open(order, cleanup) {
    const ground = await RelayGround.open(NO_DELAY, order, cleanup)
    const side = await startStream(
      'through the relay',
      { entry: ground.entry, exit: ground.exit, ...FLAT_OUT },
      order,
      cleanup,
    )
    return async (durationMs) => {
      const { amount, seconds } = await side.turn(durationMs)
      return amount / seconds / BYTES_PER_MB
    }
  },
}
