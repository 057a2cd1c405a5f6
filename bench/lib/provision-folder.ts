// Where the folder of a provision is: under the user's cache, under a name that changes with what it is made of.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Provision } from '../contract/provision.ts'

const COMPLETE_FILE = 'complete'

function cacheFolder(): string {
  const own = process.env.XDG_CACHE_HOME
  return join(own === undefined || own === '' ? join(homedir(), '.cache') : own, 'geowrite')
}

/** The folder of a provision, made or not. */
export function provisionFolder({ name, key }: Pick<Provision, 'name' | 'key'>): string {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return join(cacheFolder(), `${name}-${hash}`)
}

/** The file that says that a provision's folder is complete: what lacks it was torn. */
export const completeFile = (folder: string): string => join(folder, COMPLETE_FILE)

/** Whether the folder is there and whole. */
export function isProvided(provision: Pick<Provision, 'name' | 'key'>): boolean {
  return existsSync(completeFile(provisionFolder(provision)))
}
