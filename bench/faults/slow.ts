// A link that is longer or narrower for a while.
import type { FaultKind } from './fault-kind.ts'

export const slow: FaultKind = {
  name: 'slow',
  meaning: 'a link, or both of a pair, has another one-way delay or bandwidth for a while',
  example: 'slow us-east>eu-west at=5s for=5s delay=200ms bandwidth=1MB/s',
  targets: ['link', 'pair'],
  touches: 'speed',
  begin: async ({ plan, links }, ground) => {
    const { delayMs, bandwidthBytesPerSecond } = plan
    const change = {
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }),
    }
    await Promise.all(links.map(({ from, to }) => ground.setLink(from, to, change)))
  },
  end: async ({ links }, ground) => {
    await Promise.all(
      links.map(({ from, to, delayMs, bandwidthBytesPerSecond = null }) =>
        ground.setLink(from, to, { delayMs, bandwidthBytesPerSecond }),
      ),
    )
  },
}
