// The process that stands for the WAN between two DCs where they are networks of containers: Toxiproxy carries the bytes, and
// this takes the same configuration and answers the same questions as `relay.ts`.
import { serveControl } from '../lib/control.ts'
import { announceReady, endWithParent, log, serviceConfig } from '../lib/service-process.ts'
import type { RelayConfig } from './link-state.ts'
import { linkChangeIn } from './link-words.ts'
import { goFirst } from './priority.ts'
import { ToxiproxyPair } from './toxiproxy-pair.ts'
import { ToxiproxyServer } from './toxiproxy-server.ts'

goFirst()
const config = serviceConfig<RelayConfig>()
const ports = [config.control.port, ...config.routes.map(({ listen }) => listen.port)]
const server = await ToxiproxyServer.start(ports, config.seed, (why) => {
  log(`cannot go on: ${why}`)
  process.exit(1)
})
const pair = new ToxiproxyPair(config, server)
await pair.open()
const control = await serveControl(config.control, {
  set: (argument) => pair.set(linkChangeIn(argument)),
  counters: () => pair.counters(),
})
endWithParent(async () => {
  control.close()
  await server.stop()
})
announceReady()
