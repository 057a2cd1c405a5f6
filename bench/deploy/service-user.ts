// Some servers refuse to run as root: they run as an unprivileged user who owns their folder and can read their programs.
import { chownSync, cpSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import type { Command } from '../contract/service.ts'
import { makePassableFolder } from './data-folder.ts'

export interface ServiceUser {
  readonly uid: number
  readonly gid: number
}

/** Accounts that own no files of value, in the order in which they are taken. */
const CANDIDATES = ['nobody', 'postgres']

/** Whom a service that refuses root runs as; undefined when the harness itself is not root. Throws COMPONENT when there is nobody. */
export function unprivilegedUser(): ServiceUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const candidate of CANDIDATES) {
    const account = accounts.find(([name]) => name === candidate)
    if (account !== undefined) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new BenchError(
    'COMPONENT',
    'A store refuses to run as root and there is no user nobody or postgres to run it as: run geowrite as an ordinary user.',
  )
}

/** Gives a file or a whole folder to the user. */
export function giveTo(user: ServiceUser, path: string): void {
  const info = lstatSync(path)
  if (info.isSymbolicLink()) return
  if (info.isDirectory()) for (const name of readdirSync(path)) giveTo(user, join(path, name))
  chownSync(path, user.uid, user.gid)
}

/** Whether the user may do what `bits` (4 read, 1 pass or execute) say, by the mode of the file alone. */
function may(user: ServiceUser, path: string, bits: number): boolean {
  const { uid, gid, mode } = statSync(path)
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return ((mode >> shift) & bits) === bits
}

/** Whether the user can reach a folder and list it. */
function canRead(user: ServiceUser, folder: string): boolean {
  for (let path = dirname(folder); ; path = dirname(path)) {
    if (!may(user, path, 1)) return false
    if (path === dirname(path)) break
  }
  return may(user, folder, 5)
}

/** The folder itself where the user can read it, else a copy of it under `root`, made once. */
export function readableFolder(user: ServiceUser, folder: string, root: string, copies: Map<string, string>): string {
  const known = copies.get(folder)
  if (known !== undefined) return known
  let readable = folder
  if (!canRead(user, folder)) {
    const parent = join(root, 'programs', String(copies.size))
    makePassableFolder(dirname(parent))
    makePassableFolder(parent)
    readable = join(parent, basename(folder))
    cpSync(folder, readable, { recursive: true, verbatimSymlinks: true })
    giveTo(user, readable)
  }
  copies.set(folder, readable)
  return readable
}

/** The command with every path under `from` turned into one under `to`. */
export function relocate(command: Command, from: string, to: string): Command {
  if (from === to) return command
  const move = (text: string) => (text === from || text.startsWith(`${from}/`) ? to + text.slice(from.length) : text)
  return {
    program: move(command.program),
    args: command.args.map(move),
    ...(command.env === undefined
      ? {}
      : { env: Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, move(value)])) }),
  }
}
