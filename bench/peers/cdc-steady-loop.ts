// Upserts in one DC as fast as the other takes them, in a process of its own: never more than so many rows ahead of what is visible
// there. What then is done in a second is the highest rate at which the lag does not grow.
import { Client } from 'pg'
import { delay, nowUs } from '../lib/clock.ts'
import { HybridClock } from '../lib/dot.ts'
import { loadWorkload } from '../stages/thread-plan.ts'
import { lanesOf } from './cdc-lanes.ts'
import type { CdcSteadyOrder } from './cdc-steady-native.ts'
import { sqlName, upsertBatch } from './postgres-statements.ts'
import { servePeer, type Work } from './serve-peer.ts'

/** Rows that may be on their way: several times what 40 ms each way hold at the rates that servers reach. */
const AHEAD_ROWS_MAX = 30_000
/** Every so many batches of a lane one is looked for, by some of its rows: an applier has half of them. */
const MARK_EVERY = 4
const MARK_ROWS = 20
const LOOK_EVERY_MS = 3

interface Mark {
  readonly keys: readonly number[]
  readonly version: number
  /** Rows of the lane up to and with this batch. */
  readonly rows: number
}

async function open(order: CdcSteadyOrder): Promise<Work> {
  const { batchRows } = order
  const workload = await loadWorkload(order.workload)
  const table = workload.table(order.rows.options)
  const text = upsertBatch(table)
  const seen = `SELECT count(*)::int4 AS seen FROM ${sqlName(table)} WHERE key = ANY($1::int8[]) AND version >= $2`
  const clock = new HybridClock(0, () => Date.now() * 1000)
  const lanes = lanesOf(workload, order.rows, batchRows, () => clock.next())
  const pairs = await Promise.all(
    lanes.map(async (lane) => {
      const [writer, watcher] = [new Client(order.source), new Client(order.receiver)]
      await Promise.all([writer.connect(), watcher.connect()])
      return { lane, writer, watcher }
    }),
  )
  const aheadMax = AHEAD_ROWS_MAX / lanes.length
  return async (endUs) => {
    const one = async ({ lane, writer, watcher }: (typeof pairs)[number]): Promise<number> => {
      const marks: Mark[] = []
      let [written, arrived, batches, ended] = [0, 0, 0, false]
      const write = async () => {
        // The last batch is one that is looked for: the lane ends when it is seen.
        while (nowUs() < endUs || batches % MARK_EVERY !== 0) {
          if (written - arrived >= aheadMax) {
            await delay(1)
            continue
          }
          const { arrays, keys, version } = lane.next()
          await writer.query({ name: 'write', text, values: [...arrays] })
          written += batchRows
          if (++batches % MARK_EVERY === 0)
            marks.push({ keys: [...keys.subarray(0, MARK_ROWS)], version, rows: written })
        }
        ended = true
      }
      const watch = async () => {
        // oxlint-disable-next-line no-unmodified-loop-condition -- changed by what is called meanwhile
        while (!ended || marks.length > 0) {
          const [mark] = marks
          if (mark !== undefined) {
            const { rows } = await watcher.query<{ seen: number }>({
              name: 'seen',
              text: seen,
              values: [mark.keys, mark.version],
            })
            if (rows[0].seen === mark.keys.length) {
              arrived = mark.rows
              marks.shift()
              continue
            }
          }
          await delay(LOOK_EVERY_MS)
        }
      }
      await Promise.all([write(), watch()])
      return written
    }
    const written = await Promise.all(pairs.map(one))
    return written.reduce((sum, rows) => sum + rows, 0)
  }
}

servePeer(open)
