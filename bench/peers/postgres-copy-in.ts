// One COPY of bytes that lie ready, no faster than the server takes them.
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyStream } from 'pg-copy-streams'
import type { Table } from '../contract/table.ts'
import { copyFrom } from './postgres-statements.ts'

/** Copies `pieces`, which together are COPY's binary format, into the table. */
export async function copyIn(client: Client, table: Table, pieces: Iterable<Buffer>): Promise<void> {
  const stream = client.query(copyStream(`COPY ${copyFrom(table, 'STDIN')}`))
  const done = finished(stream, { readable: false })
  // Whoever writes sees the error first; this keeps it from being called unhandled.
  done.catch(() => undefined)
  for (const piece of pieces) if (!stream.write(piece)) await once(stream, 'drain')
  stream.end()
  await done
}
