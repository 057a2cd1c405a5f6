// The other end of a peer process: opens what it is told to, works when it is asked to, and ends with the harness.
import { messageOf } from '../contract/errors.ts'
import { nowUs } from '../lib/clock.ts'
import { harnessUsage } from '../measure/resources.ts'
import type { FromPeer, ToPeer } from './peer-process.ts'

/** Works until `endUs`, to the last answer, and says how much was done. Rejects where anything failed. */
export type Work = (endUs: number) => Promise<number>

/** Keeps one request under way in each of `lanes`; `send` says how many rows it was. */
export function untilTheEnd(lanes: number, send: (lane: number) => Promise<number>): Work {
  return async (endUs) => {
    let sent = 0
    const chain = async (lane: number) => {
      while (nowUs() < endUs) {
        const rows = await send(lane)
        sent += rows
      }
    }
    await Promise.all(Array.from({ length: lanes }, (_, lane) => chain(lane)))
    return sent
  }
}

const say = (message: FromPeer): void => void process.send?.(message)

/** Serves turns: `open` makes ready and says how to work. */
export function servePeer<Order>(open: (order: Order) => Promise<Work>): void {
  let work: Work | undefined
  const obey = async (message: ToPeer): Promise<FromPeer> => {
    if (message.type === 'open') {
      work = await open(message.order as Order)
      return { type: 'ready' }
    }
    if (work === undefined) throw new TypeError('a turn before it was opened')
    const [startUs, before] = [nowUs(), harnessUsage().cpuSeconds]
    const amount = await work(startUs + message.durationMs * 1000)
    const [endUs, after] = [nowUs(), harnessUsage().cpuSeconds]
    return { type: 'sample', sample: { amount, seconds: (endUs - startUs) / 1e6, cpuSeconds: after - before } }
  }
  process.on('message', (message: ToPeer) => {
    obey(message).then(say, (error: unknown) => say({ type: 'failed', why: messageOf(error) }))
  })
  process.on('disconnect', () => process.exit())
  // A terminal's Ctrl-C reaches this process too: the harness decides when it ends.
  process.on('SIGINT', () => undefined)
}
