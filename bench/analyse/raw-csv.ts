// Reads the raw CSV files of a run. One that was cut off in mid-line is read up to there; what is no figure is refused.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { messageOf } from '../contract/errors.ts'
import { EVENT_COLUMNS, LINK_COLUMNS, RESOURCE_COLUMNS, RTT_COLUMNS, RUN_FILES } from '../contract/run-folder.ts'
import { damagedFile } from '../lib/damaged-file.ts'
import type { RunData } from './load.ts'

const COLUMNS = {
  [RUN_FILES.events]: EVENT_COLUMNS,
  [RUN_FILES.resources]: RESOURCE_COLUMNS,
  [RUN_FILES.links]: LINK_COLUMNS,
  [RUN_FILES.rtt]: RTT_COLUMNS,
} as const
type RawFile = keyof typeof COLUMNS

/** Columns of numbers, and how large they may be; an empty cell is n/a. */
const LARGEST: Readonly<Record<string, number>> = {
  at_s: 1e6,
  cpu_s: 1e12,
  resident_bytes: 1e18,
  storage_write_bytes: 1e18,
  storage_read_bytes: 1e18,
  payload_bytes: 1e18,
  held_bytes: 1e18,
  backlog: 1e18,
  rtt_ms: 1e9,
}

/** The rows of a file as records of text, or nothing when the run has no such file. Throws FORMAT. */
export function readCsv<F extends RawFile>(
  run: RunData,
  file: F,
): Readonly<Record<(typeof COLUMNS)[F][number], string>>[] {
  const path = join(run.folder, file)
  if (!existsSync(path)) return []
  const bytes = readFileSync(path)
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
  let rows: Record<string, string>[]
  try {
    rows = parse(whole, { columns: true, skip_empty_lines: true })
  } catch (error) {
    throw damagedFile(path, messageOf(error), error)
  }
  for (const [i, row] of rows.entries()) {
    const missing = COLUMNS[file].find((column) => row[column] === undefined)
    if (missing !== undefined) throw damagedFile(path, `it has no column ${missing}`)
    for (const column of COLUMNS[file]) {
      const largest = LARGEST[column]
      // Of what is not finite no comparison holds.
      if (largest === undefined || row[column] === '' || Math.abs(Number(row[column])) <= largest) continue
      throw damagedFile(path, `${column} of row ${i + 1} is ${JSON.stringify(row[column].slice(0, 40))}`)
    }
  }
  return rows as Record<(typeof COLUMNS)[F][number], string>[]
}
