// Which toxics make a Toxiproxy stream the link that is asked for, and in which order.
import type { ICreateToxicBody, ToxicAttributeTypes } from 'toxiproxy-node-client'
import type { LinkState } from './link-state.ts'
import type { Stream } from './payload-account.ts'

type Toxic = ICreateToxicBody<ToxicAttributeTypes>

/** KB/s: a rate that limits nothing. */
const UNLIMITED = 1e9

/**
 * The chain of one stream, from where bytes enter to where they leave. Toxiproxy lets a piece go early when the toxic that
 * delays it is changed or gets a successor: so all stand from the start, a hold comes before the delay, and only a change of the
 * delay itself touches that. A rate of 0 holds: what has been read waits, and nothing more is read (the toxic `timeout` would
 * throw it away).
 */
export function chainOf(stream: Stream, state: LinkState): readonly Toxic[] {
  const { delayMs, jitterMs, bandwidthBytesPerSecond, condition } = state
  const rate = bandwidthBytesPerSecond === null ? UNLIMITED : Math.max(1, Math.round(bandwidthBytesPerSecond / 1000))
  const toxic = (name: string, type: Toxic['type'], attributes: ToxicAttributeTypes): Toxic => ({
    name: `${stream} ${name}`.replace(' ', '-'),
    type,
    stream,
    toxicity: 1,
    attributes,
  })
  return [
    toxic('hold', 'bandwidth', { rate: condition === 'hold' ? 0 : UNLIMITED }),
    toxic('delay', 'latency', { latency: Math.round(delayMs), jitter: Math.round(jitterMs) }),
    toxic('limit', 'bandwidth', { rate }),
  ]
}
