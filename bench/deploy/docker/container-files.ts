// A service's files in its container: put there before it starts, and changed there later.
import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BenchError } from '../../contract/errors.ts'
import type { ServiceFile } from '../../contract/service.ts'
import { delay } from '../../lib/clock.ts'
import type { DockerContainer } from './engine.ts'
import { firstFileOf, tarOf, type TarEntry } from './tar.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
const EXIT_LOOKS = 100
const EXIT_LOOK_EVERY_MS = 20

interface User {
  readonly uid: number
  readonly gid: number
}

/** Reads `999:999`; throws BUG for a name, which only the image could resolve. */
export function userOf(text: string): User {
  const match = /^(\d+):(\d+)$/.exec(text)
  if (match === null)
    throw new BenchError('BUG', `${text} is not the number of a user and of a group, such as 999:999.`)
  return { uid: Number(match[1]), gid: Number(match[2]) }
}

/** The service's folder, folders below it, and the files, all of the service's user alone; paths are relative to the root. */
export function archiveEntries(folder: string, user: User, files: readonly ServiceFile[]): readonly TarEntry[] {
  const root = posix.relative('/', folder)
  const below = new Set(files.flatMap(({ path }) => parentsOf(path)))
  const folders = [root, ...[...below].sort().map((path) => posix.join(root, path))]
  return [
    ...folders.map((path): TarEntry => ({ path, ...user, mode: FOLDER_MODE, holds: 'folder' })),
    ...files.map((file): TarEntry => {
      const path = posix.join(root, file.path)
      if ('content' in file) return { path, ...user, mode: FILE_MODE, holds: { content: file.content } }
      // What can be run stays so.
      const mode = FILE_MODE | (statSync(file.copyOf).mode & 0o100)
      return { path, ...user, mode, holds: { copyOf: file.copyOf } }
    }),
  ]
}

function parentsOf(path: string): readonly string[] {
  const parent = posix.dirname(path)
  return parent === '.' ? [] : [...parentsOf(parent), parent]
}

interface Edited {
  readonly path: string
  readonly user: string
  readonly isRunning: boolean
}

/** Changes a text file; a program that reads it meanwhile gets the old or the new one whole. */
export async function editFile(
  container: DockerContainer,
  { path, user, isRunning }: Edited,
  change: (text: string) => string,
): Promise<void> {
  const old = firstFileOf(await buffer(await container.getArchive({ path })))
  if (old === undefined) throw new BenchError('BUG', `${path} is no file.`)
  const [folder, name] = [posix.dirname(path), posix.basename(path)]
  // The engine writes into a file as it unpacks it: while nobody reads that is all, else it is moved into its place.
  const written = isRunning ? `${name}.new` : name
  const entry: TarEntry = { path: written, ...userOf(user), mode: FILE_MODE, holds: { content: change(String(old)) } }
  await container.putArchive(Readable.from(tarOf([entry])), { path: folder })
  if (isRunning) await run(container, user, ['mv', '-f', `${folder}/${written}`, path])
}

/** Runs a program in a container to its end. */
async function run(container: DockerContainer, user: string, command: readonly string[]): Promise<void> {
  const exec = await container.exec({ Cmd: [...command], User: user, AttachStdout: true, AttachStderr: true })
  const said = await buffer(await exec.start({}))
  let { ExitCode } = await exec.inspect()
  // Its output ends a moment before the engine knows how it ended.
  for (let looks = 0; ExitCode === null && looks < EXIT_LOOKS; looks++) {
    await delay(EXIT_LOOK_EVERY_MS)
    ;({ ExitCode } = await exec.inspect())
  }
  if (ExitCode !== 0) {
    // Eight bytes before each part say which of the two outputs it is and how long.
    throw new BenchError('BUG', `${command.join(' ')} ended with ${ExitCode}: ${String(said.subarray(8)).trim()}.`)
  }
}
