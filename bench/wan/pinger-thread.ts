// The thread of the pings on this machine: one echo listener that stands in for every DC, and a connection to it through every
// directed link, where nothing else makes them late.
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'
import type { Address } from '../contract/driver.ts'
import { PingedLinks, serveEcho, type PingSample, type PingTarget } from './pinged-link.ts'

const LOOPBACK = '127.0.0.1'

export type PingerRequest =
  | { readonly type: 'connect'; readonly targets: readonly PingTarget[] }
  /** null stops pinging. */
  | { readonly type: 'ping'; readonly periodMs: number | null }

export type PingerReport =
  | { readonly type: 'listening'; readonly echo: Address }
  | { readonly type: 'sample'; readonly sample: PingSample }

const parent = parentPort
if (parent === null) throw new Error('the pinger runs as a thread')
const post = (report: PingerReport) => parent.postMessage(report)
const echo = await serveEcho(LOOPBACK, 0)
let links = new PingedLinks([], () => undefined)
parent.on('message', (request: PingerRequest) => {
  if (request.type === 'connect') links = new PingedLinks(request.targets, (sample) => post({ type: 'sample', sample }))
  else links.every(request.periodMs)
})
post({ type: 'listening', echo: { host: LOOPBACK, port: (echo.address() as AddressInfo).port } })
