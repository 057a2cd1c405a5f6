// What the replication `cdc` needs in the servers before its pipelines start: publication, slots, origins, progress.
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { addProgress, createProgress } from './apply-statements.ts'
import { originName, PUBLICATION, slotName } from './names.ts'
import { othersOf, type Server } from './server.ts'
import { readSettings } from './settings.ts'
import { makeSlot, makeSlotSoon } from './slot.ts'
import { tableName } from './sql-table.ts'

/** Prepares every server; what is written from here on stands in the slots. */
export async function replicateByPipelines(servers: readonly Server[], { dcs, table, settings, external }: DeployPlan) {
  const { appliers } = readSettings(settings)
  const make = external === undefined ? makeSlot : makeSlotSoon
  const prepare = async (server: Server) => {
    const { client, dc } = server
    await client.query(`CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${tableName(table)}`)
    await client.query(createProgress)
    for (const other of othersOf(dc, dcs)) {
      for (let applier = 0; applier < appliers; applier++) {
        await client.query('SELECT pg_replication_origin_create($1)', [originName(other, applier)])
        await client.query(addProgress, [originName(other, applier)])
      }
      await make(server, slotName(other))
    }
  }
  await Promise.all(servers.map(prepare))
}
