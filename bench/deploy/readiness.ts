// Waits until a service says, or shows, that it is ready.
import { connect } from 'node:net'
import type { Address } from '../contract/driver.ts'
import type { Place, ReadyCheck } from '../contract/service.ts'
import { delay } from '../lib/clock.ts'
import type { LogReader } from './service-log.ts'

const LOOK_EVERY_MS = 10

/** Resolves when the check is met; rejects with the signal's reason when it is aborted first. */
export async function untilReady(
  check: ReadyCheck,
  place: Pick<Place, 'ports'>,
  log: LogReader,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isReady(check, place, log))) await delay(LOOK_EVERY_MS, signal)
}

async function isReady(check: ReadyCheck, place: Pick<Place, 'ports'>, log: LogReader): Promise<boolean> {
  if (check.type === 'line') return log.lines().some((line) => line.startsWith(check.starts))
  const address = place.ports[check.port]
  if (address === undefined) throw new TypeError(`the ready check names a port ${check.port} that the service lacks`)
  return accepts(address)
}

function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
