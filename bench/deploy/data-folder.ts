// The folder that holds everything a run's services store, and what earlier runs left behind there.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchError, messageOf } from '../contract/errors.ts'
import { isAbandoned, thisOwner } from './owner.ts'

const OWNER_FILE = 'owner.json'
/** Others may pass through on their way to a folder of their own, but not look around. */
const PASSABLE = 0o711
const RUN_PREFIX = 'run-'
/** A folder under this name has no owner file yet. */
const NEW_PREFIX = 'new-'

function userFolder(base: string): string {
  return join(base, `geowrite-${process.getuid?.() ?? 'user'}`)
}

/** Makes a folder that unprivileged service users can pass through, whatever the umask. */
export function makePassableFolder(path: string): void {
  mkdirSync(path, { recursive: true })
  chmodSync(path, PASSABLE)
}

/** Makes `<base>/geowrite-<uid>/run-<id>`, owned by this process; throws DATA_FOLDER when that cannot be written. */
export function createDataFolder(runId: string, base: string = tmpdir()): string {
  const parent = userFolder(base)
  const made = join(parent, `${NEW_PREFIX}${runId}`)
  const folder = join(parent, `${RUN_PREFIX}${runId}`)
  try {
    makePassableFolder(parent)
    makePassableFolder(made)
    writeFileSync(join(made, OWNER_FILE), JSON.stringify(thisOwner()), { mode: 0o600 })
    renameSync(made, folder)
    return folder
  } catch (error) {
    throw new BenchError(
      'DATA_FOLDER',
      `The folder ${folder} for the stores' data cannot be written (${messageOf(error)}): choose another one with --data, or make it writable.`,
      { cause: error },
    )
  }
}

function ownerOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, OWNER_FILE), 'utf8')
  } catch {
    return undefined
  }
}

/** Data folders of this user's runs that ended without removing them. */
export function leftovers(base: string = tmpdir()): readonly string[] {
  const parent = userFolder(base)
  let names: readonly string[]
  try {
    names = readdirSync(parent)
  } catch {
    return []
  }
  return names
    .filter((name) => name.startsWith(RUN_PREFIX))
    .map((name) => join(parent, name))
    .filter((folder) => isAbandoned(ownerOf(folder)))
}

/** Removes what `leftovers` lists, and says what it removed. */
export function removeLeftovers(base: string = tmpdir()): readonly string[] {
  const folders = leftovers(base)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  return folders
}
