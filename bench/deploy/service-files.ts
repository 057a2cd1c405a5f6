// The files that a service is given, in its folder.
import { chownSync, copyFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ServiceFile } from '../contract/service.ts'

/** Writes them with mode 0600: they may hold secrets. */
export function writeServiceFiles(folder: string, files: readonly ServiceFile[]): void {
  for (const file of files) {
    const path = join(folder, file.path)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if ('content' in file) writeFileSync(path, file.content, { mode: 0o600 })
    else copyFileSync(file.copyOf, path)
  }
}

/** Changes a text file; whoever reads it meanwhile gets the old or the new one whole. */
export function editServiceFile(folder: string, name: string, change: (text: string) => string): void {
  const path = join(folder, name)
  const next = `${path}.new`
  const { uid, gid } = statSync(path)
  writeFileSync(next, change(readFileSync(path, 'utf8')), { mode: 0o600 })
  chownSync(next, uid, gid)
  renameSync(next, path)
}
