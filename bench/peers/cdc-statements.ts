// The statements by which the last writer wins, as the study of replication found them: what `cdc` is held against.
import type { Table } from '../contract/table.ts'
import { sqlColumns, sqlName } from './postgres-statements.ts'

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

function columnsOf(table: Table): {
  readonly names: readonly string[]
  readonly arrays: string
  readonly others: readonly string[]
} {
  const columns = sqlColumns(table)
  const names = columns.map(({ name }) => name)
  return {
    names,
    arrays: columns.map(({ type }, place) => `$${place + 1}::${type}[]`).join(', '),
    others: names.slice(1),
  }
}

/** A batch, given as one array a column, into the table `into`. */
export function lastWriterWins(table: Table, into: string): string {
  const { names, arrays, others } = columnsOf(table)
  return `INSERT INTO ${into} AS t (${quoted(names)}) SELECT * FROM unnest(${arrays})
    ON CONFLICT (key) DO UPDATE SET ${others.map((name) => `"${name}" = excluded."${name}"`).join(', ')}
    WHERE excluded.version > t.version`
}

/** Statements that make what a server's own subscription brings go by the last writer. Apply workers have an empty search path. */
export function lastWriterWinsTrigger(table: Table): readonly string[] {
  const { others } = columnsOf(table)
  const name = sqlName(table)
  return [
    `CREATE FUNCTION public.last_writer_wins() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' THEN
          IF new.version <= old.version THEN RETURN NULL; END IF;
          RETURN new;
        END IF;
        UPDATE ${name} SET ${others.map((other) => `"${other}" = new."${other}"`).join(', ')}
          WHERE key = new.key AND version < new.version;
        IF FOUND OR EXISTS (SELECT FROM ${name} WHERE key = new.key) THEN RETURN NULL; END IF;
        RETURN new;
      END $$`,
    `CREATE TRIGGER last_writer_wins BEFORE INSERT OR UPDATE ON ${name}
      FOR EACH ROW EXECUTE FUNCTION public.last_writer_wins()`,
    `ALTER TABLE ${name} ENABLE REPLICA TRIGGER last_writer_wins`,
  ]
}

/** A copy of the table with its rows, index and settings under another name, which nothing replicates. */
export const copyOfTable = (table: Table, name: string): readonly string[] => [
  `CREATE TABLE ${name} (LIKE ${sqlName(table)} INCLUDING ALL) WITH (fillfactor = 90)`,
  `INSERT INTO ${name} SELECT * FROM ${sqlName(table)}`,
]
