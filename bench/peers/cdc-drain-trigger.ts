// A backlog drained by cdc against the servers' own subscriptions with a trigger by which the last writer wins: the other way to make
// Postgres converge without extensions.
import type { Comparison } from './comparison.ts'
import { drainOf, pipelinesOf, subscriptionsOf } from './cdc-drain.ts'
import { Replicated, replicatedBy } from './cdc-ground.ts'
import { lastWriterWinsTrigger } from './cdc-statements.ts'
import { missingFor } from './deployed.ts'

export const cdcDrainTrigger: Comparison = {
  name: 'cdc-drain-trigger',
  what: 'Postgres, cdc draining a backlog of updates until both DCs are equal',
  peer: 'native subscriptions with a trigger, last writer wins',
  unit: 'rows',
  target: 1.5,
  missing: (registry) => missingFor(replicatedBy('cdc'), registry),
  async open(order, cleanup) {
    const ours = await Replicated.open('cdc', order, cleanup)
    const theirs = await Replicated.open('native', order, cleanup)
    for (const client of [theirs.source, theirs.receiver])
      for (const statement of lastWriterWinsTrigger(theirs.table)) await client.query(statement)
    const cdc = drainOf(ours, pipelinesOf(ours), await ours.backlogWriter(cleanup))
    const native = drainOf(theirs, subscriptionsOf(theirs), await theirs.backlogWriter(cleanup))
    const settle = async () => {
      await cdc.settle()
      await native.settle()
    }
    await settle()
    return { geowrite: cdc.side, peer: native.side, settle }
  },
}
