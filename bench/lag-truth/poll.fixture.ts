// For tests: the loop of a program that reads all keys of a store as fast as it can and notes when each key's dot was another.
// It shares nothing with the harness but the store and CLOCK_MONOTONIC.
import { createInterface } from 'node:readline'

/** What a program is told, as one JSON line on its standard input; the end of that input ends it. */
export interface PollOrders {
  readonly host: string
  readonly port: number
  readonly secret: string
  readonly table: string
  readonly keys: number
  readonly dcIndex: number
}

/** A key's dot was not yet this one in the read sent at `missSentUs`, and was in the one that returned at `hitReturnedUs`. */
export interface DotChange {
  readonly key: number
  readonly dot: number
  readonly missSentUs: number
  readonly hitReturnedUs: number
}

/** What a program says in the end, as JSON on its standard output. */
export interface PollReport {
  readonly reads: number
  readonly changes: readonly DotChange[]
}

export const POLLING_LINE = 'polling'

const monotonicUs = (): number => Number(process.hrtime.bigint()) / 1000

/** Polls until standard input ends, then reports. `connect` gives a read of the dots of all keys, by key. */
export async function poll(connect: (orders: PollOrders) => Promise<() => Promise<Float64Array>>): Promise<void> {
  const input = createInterface({ input: process.stdin })
  const ending = new AbortController()
  const orders = await new Promise<PollOrders>((resolve) => {
    input.once('line', (line) => resolve(JSON.parse(line) as PollOrders))
    input.once('close', () => ending.abort())
  })
  const read = await connect(orders)
  const changes: DotChange[] = []
  let previousSentUs = monotonicUs()
  let held = await read()
  let reads = 1
  process.stdout.write(`${POLLING_LINE}\n`)
  while (!ending.signal.aborted) {
    const sentUs = monotonicUs()
    const dots = await read()
    const returnedUs = monotonicUs()
    reads++
    for (let key = 0; key < dots.length; key++) {
      if (dots[key] !== held[key])
        changes.push({ key, dot: dots[key], missSentUs: previousSentUs, hitReturnedUs: returnedUs })
    }
    previousSentUs = sentUs
    held = dots
  }
  const report: PollReport = { reads, changes }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())
}
