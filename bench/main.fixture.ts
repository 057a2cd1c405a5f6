// The command line as tests start it: a process of its own whose lines have no colours, whatever the machine says of itself.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

/** Starts it; `through`: a program and its arguments that start it in turn. */
export function startMain(
  options: readonly string[],
  through: readonly string[] = [],
): ChildProcessByStdio<null, Readable, Readable> {
  const [program, ...before] = [...through, process.execPath]
  const run = spawn(program, [...before, MAIN, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  run.stdout.setEncoding('utf8')
  run.stderr.setEncoding('utf8')
  return run
}

/** What runs left in a data folder, beside the user's own folder in it, which stays, and what a test put there. */
export function leftIn(data: string, ...put: readonly string[]): string[] {
  const own = existsSync(data) ? readdirSync(data).filter((name) => !put.includes(name)) : []
  return own.flatMap((name) => readdirSync(join(data, name)))
}
