// The process that stands for the WAN between two DCs. Started by bench/deploy with the path of a RelayConfig.
import { serveControl } from '../lib/control.ts'
import { announceReady, endWithParent, serviceConfig } from '../lib/service-process.ts'
import type { RelayConfig } from './link-state.ts'
import { linkChangeIn } from './link-words.ts'
import { goFirst } from './priority.ts'
import { RelayPair } from './relay-pair.ts'

goFirst()
const config = serviceConfig<RelayConfig>()
const pair = new RelayPair(config)
const control = await serveControl(config.control, {
  set: (argument) => pair.set(linkChangeIn(argument)),
  counters: () => pair.counters(),
})
await pair.listen(config.routes)
endWithParent(async () => {
  control.close()
  pair.close()
})
announceReady()
