// What peers send to Postgres, against what the driver sends: else a comparison would be between different works.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchParameters } from '../../drivers/postgres/batch-parameters.ts'
import { copyBlock } from '../../drivers/postgres/copy-format.ts'
import { sqlTable } from '../../drivers/postgres/sql-table.ts'
import { copyRows, createTable as driverTable } from '../../drivers/postgres/statements.ts'
import * as driver from '../../drivers/postgres/write-statements.ts'
import { profiles } from '../../workloads/profiles.ts'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { makeRows, valuesOf } from './made-rows.ts'
import { arraysOf, fillInt64, tuplesOf } from './postgres-rows.ts'
import { copyFrom, createTable, upsertBatch, upsertRow } from './postgres-statements.ts'

const SEED = 11
const options = { ...profiles.defaults, rows: 1000 }
const table = profiles.table(options)
const dcs = ['a', 'b'].map((name, index) => ({ name, index }))
const sql = sqlTable({ table, causality: 'bounds', dcs })
const VERSION = 1_763_543_200_000_016
const [BATCH, ROWS] = [50, 120]
const made = makeRows(profiles, { options, seed: SEED, dcCount: 2 }, ROWS, BATCH)

/** Without what the server does not see: line breaks, and quotes around names that need none. */
const plain = (statement: string) => statement.replaceAll(/\s+/g, ' ').replaceAll('"', '')

/** The made rows from `first` on as a session gets them. */
function batchOf(first: number, count: number): RowBatch {
  const columns = made.columns.map((column) =>
    column.type === 'int'
      ? { ...column, values: column.values.subarray(first) }
      : { ...column, starts: column.starts.subarray(first), lengths: column.lengths.subarray(first) },
  )
  const [keys, dots] = [made.keys.subarray(first), made.dots.subarray(first)]
  const operations = new Uint8Array(count).fill(OPERATION.upsert)
  return { count, keys, dots, versions: new Float64Array(count).fill(VERSION), operations, columns, atomic: false }
}

test('the statements are those of the driver in the first DC', () => {
  assert.equal(plain(upsertRow(table, (_, place) => `$${place + 1}`)), plain(driver.upsertRow(sql, 0)))
  assert.equal(plain(upsertBatch(table)), plain(driver.upsertBatch(sql, 0)))
  assert.equal(plain(`COPY ${copyFrom(table, 'STDIN')}`), plain(copyRows(sql, 0)))
  assert.equal(plain(createTable(table)), plain(driverTable(sql, 90)))
})

test('arrays and tuples hold byte for byte what the driver makes of the same rows', () => {
  const arrays = arraysOf(made, BATCH, 2 * BATCH)
  fillInt64(arrays[2], VERSION)
  assert.deepEqual(arrays, new BatchParameters(sql).encode(batchOf(BATCH, BATCH)))
  assert.deepEqual(tuplesOf(made, BATCH, ROWS, VERSION), copyBlock(batchOf(BATCH, ROWS - BATCH)))
})

test(`batches are sorted and hold no key twice, and the last one is what is left (seed ${SEED})`, () => {
  for (const [first, end] of [
    [0, 50],
    [50, 100],
    [100, 120],
  ]) {
    const keys = [...made.keys.subarray(first, end)]
    assert.deepEqual(
      keys,
      [...new Set(keys)].sort((a, b) => a - b),
    )
  }
  const texts = valuesOf(made, 0, 16).filter((value) => typeof value === 'string')
  assert.deepEqual(
    texts.map(({ length }) => length),
    made.columns.flatMap((column) => (column.type === 'text' ? [column.lengths[0]] : [])),
  )
})
