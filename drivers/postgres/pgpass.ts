// The password that the user keeps in ~/.pgpass, or in the file that PGPASSFILE names, as Postgres's own tools find it.
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BenchError } from '../../bench/contract/errors.ts'

interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** The fields of a line; a backslash keeps a colon or a backslash from its meaning. */
function fieldsOf(line: string): string[] {
  const parted = line.replaceAll(/\\(.)|:/g, (_text, kept: string | undefined) => kept ?? '\0')
  return parted.split('\0')
}

/** The password of the first line that fits; undefined when none does. */
export function passwordIn(text: string, { host, port, user, database }: Login): string | undefined {
  const wanted = [host, String(port), database, user]
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#') || line.trim() === '') continue
    const fields = fieldsOf(line)
    if (fields.length < 5) continue
    if (wanted.every((value, i) => fields[i] === '*' || fields[i] === value)) return fields[4]
  }
  return undefined
}

/** The password kept for a login; undefined when there is none. Throws SERVERS for a file that others can read. */
export function keptPassword(login: Login): string | undefined {
  const path = process.env['PGPASSFILE'] ?? join(homedir(), '.pgpass')
  let mode: number
  let text: string
  try {
    mode = statSync(path).mode
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  if ((mode & 0o077) !== 0) {
    throw new BenchError(
      'SERVERS',
      `The passwords in ${path} can be read by others, so that it is not used: chmod 600 it.`,
    )
  }
  return passwordIn(text, login)
}
