// Draining a backlog: what was written in one DC while nothing replicated, until all of it is in the other.
import { escapeIdentifier } from 'pg'
import type { Side } from './comparison.ts'
import type { Replicated } from './cdc-ground.ts'

/** How a replication is kept from working, and let work. */
interface Stoppable {
  stop(): Promise<void>
  start(): Promise<void>
}

/**
 * A turn's time runs from when the source is read, which leaves out connecting through the link, until the last row is visible in the
 * receiver; that both DCs then hold the same rows is proved by digest. Between turns nothing replicates.
 */
export function drainOf(
  ground: Replicated,
  replication: Stoppable,
  writer: Side,
): { readonly side: Side; settle(): Promise<void> } {
  const { deployed } = ground
  const turn = async (durationMs: number) => {
    const { amount } = await writer.turn(durationMs)
    const arrived = await ground.tail()
    const before = await deployed.replicationCpuSeconds()
    const [startUs] = await Promise.all([ground.streaming(), replication.start()])
    const endUs = await arrived()
    const cpuSeconds = (await deployed.replicationCpuSeconds()) - before
    await deployed.proveEqual()
    return { amount, seconds: (endUs - startUs) / 1e6, cpuSeconds }
  }
  return {
    side: { turn },
    async settle() {
      // A peer's turn leaves it stopped, and what that wrote is still to be read.
      await replication.start()
      await deployed.settle()
      await replication.stop()
      await ground.checkpoint()
    },
  }
}

/** The pipelines of `cdc`, which are services of ours and run at first. */
export function pipelinesOf({ deployed }: Replicated): Stoppable {
  let isRunning = true
  return {
    async stop() {
      await deployed.endReplication()
      isRunning = false
    },
    async start() {
      if (isRunning) return
      await deployed.startReplication()
      isRunning = true
    },
  }
}

/** The subscriptions of `native`, in both DCs. */
export function subscriptionsOf({ source, receiver }: Replicated): Stoppable {
  const inBoth = async (what: 'ENABLE' | 'DISABLE') => {
    for (const client of [source, receiver]) {
      const { rows } = await client.query<{ name: string }>('SELECT subname AS name FROM pg_subscription')
      for (const { name } of rows) await client.query(`ALTER SUBSCRIPTION ${escapeIdentifier(name)} ${what}`)
    }
  }
  return { stop: () => inBoth('DISABLE'), start: () => inBoth('ENABLE') }
}
