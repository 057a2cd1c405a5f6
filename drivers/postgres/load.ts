// Loading: the same rows into every DC by COPY, each block encoded once, before anything replicates.
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams'
import type { RowSource } from '../../bench/contract/driver.ts'
import { copyBlock, COPY_HEADER, COPY_TRAILER } from './copy-format.ts'
import { tableName, type SqlTable } from './sql-table.ts'
import { loadRows, primaryKey, primaryKeyName } from './statements.ts'

async function write(stream: CopyStreamQuery, bytes: Buffer): Promise<void> {
  if (stream.errored !== null) throw stream.errored
  // `once` rejects when the server refuses the rows meanwhile.
  if (!stream.write(bytes)) await once(stream, 'drain')
}

/**
 * Fills the table of every server with the rows of `source` and leaves it as a long-used one: analysed, visible to index
 * scans, and frozen, so that measuring begins steady. `progress` gets rows done in every DC.
 */
export async function loadTable(
  clients: readonly Client[],
  table: SqlTable,
  source: RowSource,
  progress: (rows: number) => void,
): Promise<void> {
  const name = tableName(table)
  const everywhere = (statement: string) => Promise.all(clients.map((client) => client.query(statement)))
  await everywhere('BEGIN')
  // Only rows copied into a table that was emptied in the same transaction may be frozen from the start.
  await everywhere(`TRUNCATE ${name}`)
  await everywhere(`ALTER TABLE ${name} DROP CONSTRAINT ${primaryKeyName(table)}`)
  const streams = clients.map((client) => client.query(copyFrom(loadRows(table))))
  const done = streams.map((stream) => finished(stream, { readable: false }))
  const copied = Promise.all(done)
  // Whoever writes sees the error first; this keeps it from being called unhandled.
  copied.catch(() => {})
  const writeAll = (bytes: Buffer) => Promise.all(streams.map((stream) => write(stream, bytes)))
  await writeAll(COPY_HEADER)
  let rows = 0
  for (const batch of source()) {
    await writeAll(copyBlock(batch))
    rows += batch.count
    progress(rows)
  }
  for (const stream of streams) stream.end(COPY_TRAILER)
  await copied
  await everywhere(`ALTER TABLE ${name} ADD ${primaryKey(table)}`)
  await everywhere('COMMIT')
  await everywhere(`VACUUM (ANALYZE) ${name}`)
}
