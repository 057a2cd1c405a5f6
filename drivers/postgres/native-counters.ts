// What the servers' own subscriptions count.
import type { Counters } from '../../bench/contract/store-words.ts'
import { delay } from '../../bench/lib/clock.ts'
import type { Server } from './server.ts'

const MEANING =
  'Changes that found the row last written under another origin than their own, or there or missing where it should not be (sum of confl_* in pg_stat_subscription_stats). ' +
  'It says who wrote last, not whether the writes were concurrent: a write that causally follows another DC’s counts, one over a row that was only loaded counts, and an insert that cannot be applied counts again at each retry.'

/** A worker hands its last counts on when it has heard nothing for a second; while it applies, once a second. */
const SILENT_MS = 1800
/** A source sends keepalives, each of which breaks the silence, at most half as often as its `wal_sender_timeout`. */
const SILENT_WITHIN_MS = 6000
const LOOK_EVERY_MS = 100
/** A server of the user's may have subscriptions of its own. */
const OURS = `subname LIKE 'geowrite\\_from\\_%'`

async function silentForMs({ client }: Server): Promise<number> {
  const { rows } = await client.query<{ ms: number | null }>(
    `SELECT min(extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000)::float8 AS ms FROM pg_stat_subscription WHERE ${OURS}`,
  )
  return rows[0].ms ?? Number.POSITIVE_INFINITY
}

/** Resolves when all counts have been handed on, or when the workers have not come to rest in time. */
async function untilHandedOn(servers: readonly Server[]): Promise<void> {
  const giveUpAtMs = performance.now() + SILENT_WITHIN_MS
  while (performance.now() < giveUpAtMs) {
    if (Math.min(...(await Promise.all(servers.map(silentForMs)))) > SILENT_MS) return
    await delay(LOOK_EVERY_MS)
  }
}

/** Sums of every subscription's counters over all servers. A server that does not count conflicts has none reported. */
export async function nativeCounters(servers: readonly Server[]): Promise<Counters> {
  await untilHandedOn(servers)
  const sums: Record<string, number> = {}
  const add = async ({ client }: Server) => {
    const { rows } = await client.query<{ stats: Record<string, unknown> }>(
      `SELECT to_jsonb(stats) AS stats FROM pg_stat_subscription_stats AS stats WHERE ${OURS}`,
    )
    for (const { stats } of rows) {
      for (const [name, count] of Object.entries(stats)) {
        if (/^confl_|_error_count$/.test(name)) sums[name] = (sums[name] ?? 0) + Number(count)
      }
    }
  }
  await Promise.all(servers.map(add))
  const conflicts = Object.entries(sums).filter(([name]) => name.startsWith('confl_'))
  return {
    conflictsReported:
      conflicts.length === 0 ? null : { count: conflicts.reduce((sum, [, count]) => sum + count, 0), meaning: MEANING },
    own: sums,
  }
}
