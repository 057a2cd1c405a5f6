// A row that cannot be applied ends its applier by the event for that, whichever way the applier came to it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { int64, tuple } from '../replication/pgoutput.fixture.ts'
import { Applier } from './applier.ts'
import type { SqlTable } from './sql-table.ts'

const TABLE: SqlTable = {
  name: 'profiles',
  harness: ['key', 'dot', 'version'].map((name) => ({ name, type: 'int8', typeNumber: 20 })),
  vector: [],
  own: [],
  counters: [],
}
const GOOD = tuple([1, 2, 16].map(int64))
const TORN = GOOD.subarray(0, -1)

/** An applier of a server that applies everything, and what is told of it. */
function applier(failed: (error: Error) => void, applied: () => void): Applier {
  const client = {
    query: () => Promise.resolve({ rowCount: 1 }),
    connection: { stream: { destroy: () => undefined } },
  } as unknown as Client
  return new Applier(client, 'origin', TABLE, 100, { applied, failed })
}

function queue(into: Applier, row: Buffer, endLsn: number): void {
  into.queue.push(1, 16, row, 0, row.length)
  into.queue.mark({ endLsn, waiting: 1 }, Buffer.alloc(16))
}

test('a torn row fails the applier when it is kicked, and when a batch before it has ended', async () => {
  for (const rows of [[TORN], [GOOD, TORN]]) {
    const failure = Promise.withResolvers<Error>()
    let applied = 0
    const one = applier(failure.resolve, () => applied++)
    rows.forEach((row, i) => {
      queue(one, row, i + 1)
      one.kick()
    })
    const error = await failure.promise
    assert.deepEqual([(error as Error & { code?: string }).code, applied], ['FORMAT', rows.length - 1])
    queue(one, GOOD, 3)
    one.kick()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(applied, rows.length - 1, 'nothing is applied after it')
  }
})
