// Streams of bytes beside a relay: started in a process of their own, so that they disturb it and its pings no more than they must.
import type { ContestOrder, Gauge, Side } from './comparison.ts'
import { startPeer } from './peer-process.ts'
import type { RelayStreamOrder } from './relay-stream-loop.ts'

const LOOP = new URL('./relay-stream-loop.ts', import.meta.url)

export const BYTES_PER_MB = 1e6

/** Nothing but Node is needed. */
export const nothingMissing: Gauge['missing'] = () => Promise.resolve(undefined)

/** Starts a stream that works in turns. */
export function startStream(
  name: string,
  stream: RelayStreamOrder,
  { signal }: ContestOrder,
  cleanup: AsyncDisposableStack,
): Promise<Side> {
  return startPeer(LOOP, name, stream, signal, cleanup)
}
