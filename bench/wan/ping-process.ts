// The process that pings from inside a DC: it echoes what others send it, pings the links that it is told of, and keeps the
// round trips until it is asked for them.
import type { Address } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { serveControl } from '../lib/control.ts'
import { announceReady, endWithParent, serviceConfig } from '../lib/service-process.ts'
import { PingedLinks, serveEcho, type PingSample, type PingTarget } from './pinged-link.ts'
import { goFirst } from './priority.ts'

export interface PingProcessConfig {
  readonly echo: Address
  readonly control: Address
}

goFirst()
const config = serviceConfig<PingProcessConfig>()
let links = new PingedLinks([], () => undefined)
const samples: PingSample[] = []
const echo = await serveEcho(config.echo.host, config.echo.port)
const control = await serveControl(config.control, {
  now: () => nowUs(),
  connect: (targets) => {
    links = new PingedLinks(targets as readonly PingTarget[], (sample) => samples.push(sample))
  },
  ping: (periodMs) => links.every(periodMs as number | null),
  take: () => samples.splice(0),
})
endWithParent(async () => {
  links.every(null)
  control.close()
  echo.close()
})
announceReady()
