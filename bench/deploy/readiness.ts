// Waits until a service says, or shows, that it is ready.
import { connect } from 'node:net'
import type { Address } from '../contract/driver.ts'
import type { Place, ReadyCheck } from '../contract/service.ts'
import { delay } from '../lib/clock.ts'
import type { LogReader } from './service-log.ts'

const LOOK_EVERY_MS = 10

/**
 * Resolves when the check is met; rejects with the signal's reason when it is aborted first. Where something in between
 * accepts before the service does, a connection has to stay open for `heldMs`.
 */
export async function untilReady(
  check: ReadyCheck,
  place: Pick<Place, 'ports'>,
  log: LogReader,
  signal: AbortSignal,
  heldMs = 0,
): Promise<void> {
  while (!(await isReady(check, place, log, heldMs))) await delay(LOOK_EVERY_MS, signal)
}

async function isReady(
  check: ReadyCheck,
  place: Pick<Place, 'ports'>,
  log: LogReader,
  heldMs: number,
): Promise<boolean> {
  if (check.type === 'line') return log.lines().some((line) => line.startsWith(check.starts))
  const address = place.ports[check.port]
  if (address === undefined) throw new TypeError(`the ready check names a port ${check.port} that the service lacks`)
  return accepts(address, heldMs)
}

function accepts({ host, port }: Address, heldMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let held: NodeJS.Timeout | undefined
    const settle = (open: boolean) => {
      clearTimeout(held)
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => {
      if (heldMs === 0) return settle(true)
      held = setTimeout(() => settle(true), heldMs)
      // A close is noticed by reading; what is said meanwhile is proof enough.
      socket.once('data', () => settle(true))
      socket.once('end', () => settle(false))
    })
    socket.once('error', () => settle(false))
  })
}
