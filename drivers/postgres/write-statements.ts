// The statements of local writes. A write never lowers a row's version, and where causality is exact says what it found.
import { escapeIdentifier } from 'pg'
import { arrayList, nameList, sentColumns, tableName, type SqlTable } from './sql-table.ts'

/** How a column of a row that is there is set, given its quoted name; `undefined` sets it to what was sent. */
type Setting = (name: string) => string | undefined

/** The least version of a DC above the row's own: what a local write gets at least, so that it never lowers a version. */
const nextVersion = (of: string, dcIndex: number): string => `((((${of} >> 4) + 1) << 4) | ${dcIndex})`

/** The DC's own place in the vector, where there is one. */
const slotOf = ({ vector }: SqlTable, dcIndex: number) => vector.slice(dcIndex, dcIndex + 1)

function onConflict(table: SqlTable, dcIndex: number, counter: Setting): string {
  const [, dot] = table.harness
  const settings = [dot, ...table.own].map(({ name }) => {
    const column = escapeIdentifier(name)
    const special = table.counters.includes(name) ? counter(column) : undefined
    return `${column} = ${special ?? `excluded.${column}`}`
  })
  // A write that was unknown and comes true behind a later one of its DC takes nothing back of what was seen.
  const joined = slotOf(table, dcIndex).map(({ name }) => `${name} = GREATEST(t.${name}, excluded.${name})`)
  return `ON CONFLICT (key) DO UPDATE SET ${[...settings, ...joined].join(', ')},
    version = GREATEST(excluded.version, ${nextVersion('t.version', dcIndex)})`
}

function writeBatch(table: SqlTable, dcIndex: number, counter: Setting): string {
  const columns = sentColumns(table)
  const slot = slotOf(table, dcIndex)
  const written = `INSERT INTO ${tableName(table)} AS t (${nameList([...columns, ...slot])})
    SELECT sent.*${slot.map(() => ', sent.dot').join('')}
      FROM unnest(${arrayList(columns, 1)}) AS sent (${nameList(columns)})
    ${onConflict(table, dcIndex, counter)}`
  if (table.vector.length === 0) {
    return `WITH written AS (${written} RETURNING new.key AS key, new.version AS version, old.version AS former)
      SELECT key, version FROM written WHERE version = ${nextVersion('former', dcIndex)}`
  }
  // One long text a column: a row a row would cost the client more than the write.
  const found = ['dot', ...table.vector.map(({ name }) => name)]
  return `WITH written AS (${written} RETURNING new.version AS version, ${found.map((name) => `coalesce(old.${name}, 0) AS ${name}`).join(', ')})
    SELECT ${['version', ...found].map((name) => `string_agg(${name}::text, ',')`).join(', ')} FROM written`
}

/**
 * Writes a batch given as one array a column. Returns key and version of the rows whose version had to be raised; where
 * causality is exact one row instead: of all rows in the order of the batch, as texts of numbers between commas, the
 * version, the dot that was replaced, and the vector that was found, a text a DC.
 */
export const upsertBatch = (table: SqlTable, dcIndex: number): string => writeBatch(table, dcIndex, () => undefined)

/**
 * The same for a batch that holds increments, in any mixture, with one array more: by row 1 for an increment, else 0.
 * What is sent is added to what the row holds times that, found by the key's place among the ascending keys.
 */
export function incrementBatch(table: SqlTable, dcIndex: number): string {
  const factor = `($${sentColumns(table).length + 1}::int4[])[width_bucket(excluded.key, $1::int8[])]`
  return writeBatch(table, dcIndex, (name) => `coalesce(t.${name}, 0) * ${factor} + excluded.${name}`)
}

function writeRow(table: SqlTable, dcIndex: number, counter: Setting): string {
  const columns = sentColumns(table)
  const slot = slotOf(table, dcIndex)
  const values = [...columns.map(({ type }, index) => `$${index + 1}::${type}`), ...slot.map(() => '$2::int8')]
  const found = ['dot', ...table.vector.map(({ name }) => name)].map((name) => `, coalesce(old.${name}, 0)`)
  return `INSERT INTO ${tableName(table)} AS t (${nameList([...columns, ...slot])}) VALUES (${values.join(', ')})
    ${onConflict(table, dcIndex, counter)} RETURNING new.version${slot.length === 0 ? '' : found.join('')}`
}

/**
 * Writes one row given as one parameter a column. Returns the version that it has now; where causality is exact also the dot that
 * was replaced and the vector that was found.
 */
export const upsertRow = (table: SqlTable, dcIndex: number): string => writeRow(table, dcIndex, () => undefined)

/** The same, adding to the counters of the row. */
export const incrementRow = (table: SqlTable, dcIndex: number): string =>
  writeRow(table, dcIndex, (name) => `coalesce(t.${name}, 0) + excluded.${name}`)
