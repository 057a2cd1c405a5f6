// A backlog drained by cdc against the bare statement by which the last writer wins, fed from memory: the floor of any applier.
import type { Comparison } from './comparison.ts'
import { drainOf, pipelinesOf } from './cdc-drain.ts'
import { Replicated, replicatedBy } from './cdc-ground.ts'
import { copyOfTable } from './cdc-statements.ts'
import { missingFor } from './deployed.ts'

const COPY = 'public.bare_copy'
const PEER = 'bare statement, last writer wins, from memory'

export const cdcDrainBare: Comparison = {
  name: 'cdc-drain-bare',
  what: 'Postgres, cdc draining a backlog of updates until both DCs are equal',
  peer: PEER,
  unit: 'rows',
  target: 0.8,
  missing: (registry) => missingFor(replicatedBy('cdc'), registry),
  async open(order, cleanup) {
    const ground = await Replicated.open('cdc', order, cleanup)
    for (const statement of copyOfTable(ground.table, COPY)) await ground.receiver.query(statement)
    const { side, settle } = drainOf(ground, pipelinesOf(ground), await ground.backlogWriter(cleanup))
    await settle()
    return { geowrite: side, peer: await ground.lastWriterWinsLoop(COPY, PEER, cleanup), settle }
  },
}
