// Peers that are programs of others: where they are found, and one run of one to its end.
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Command } from '../contract/service.ts'
import type { Guardian } from '../deploy/guardian.ts'
import { sendSignal, usageOf } from '../deploy/process-table.ts'
import { ended, endOf, spawnCommand } from '../deploy/spawn.ts'
import { orReason } from '../lib/abort.ts'
import { harnessUsage } from '../measure/resources.ts'
import type { ContestOrder } from './comparison.ts'

/** Where Cargo puts programs, which is not on every path. */
const CARGO_BIN = join(homedir(), '.cargo', 'bin')

/** The path of a program that is installed, undefined where it is not. */
export function findProgram(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), CARGO_BIN]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** Says `how` to get a program where it is not there; undefined where it is. */
export const missingProgram = (name: string, how: string): string | undefined =>
  findProgram(name) === undefined ? how : undefined

/** Where a program is. Throws COMPONENT, which says `how` to get it, where it is not. */
export function programAt(name: string, how: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new BenchError('COMPONENT', how)
  return path
}

/** What a program left behind. */
interface Run {
  /** What it printed, on both outputs. */
  readonly text: string
  /** CPU-seconds, to 0.01; NaN where the system does not say what a child that ended has used. */
  readonly cpuSeconds: number
}

/** What our children that ended have used. */
const childrenSeconds = (): number => (usageOf([process.pid])[0]?.cpuSeconds ?? 0) - harnessUsage().cpuSeconds

/** Runs programs in a folder, one at a time; they end with the harness, whatever ends it. */
export class ProgramRunner {
  readonly #folder: string
  readonly #signal: AbortSignal
  readonly #guardian: Guardian
  #runs = 0

  constructor({ folder, guardian }: Pick<ContestOrder, 'folder' | 'guardian'>, signal: AbortSignal) {
    this.#folder = folder
    this.#guardian = guardian
    this.#signal = signal
  }

  /** Runs the program to its end. Rejects with COMPONENT, and the last line that it wrote, where its exit code is no good one. */
  async run(name: string, command: Command, good: readonly number[] = [0]): Promise<Run> {
    const logPath = join(this.#folder, `${name}-${++this.#runs}.log`)
    const before = childrenSeconds()
    const child = spawnCommand(command, { folder: this.#folder, logPath, user: undefined })
    const { pid } = child
    let why = ''
    child.on('error', (error) => (why = messageOf(error)))
    if (pid !== undefined) this.#guardian.watch(pid, 'SIGTERM')
    try {
      await orReason(ended(child), this.#signal)
    } finally {
      if (pid !== undefined) {
        if (child.exitCode === null && child.signalCode === null) {
          // With what it started in its group.
          sendSignal(-pid, 'SIGKILL')
          await ended(child)
        }
        this.#guardian.forget(pid)
      }
    }
    const text = readFileSync(logPath, 'utf8')
    const cpuSeconds = childrenSeconds() - before
    if (child.exitCode !== null && good.includes(child.exitCode))
      return { text, cpuSeconds: cpuSeconds > 0 ? cpuSeconds : Number.NaN }
    const [last = why] = text.trim().split('\n').slice(-1)
    throw new BenchError('COMPONENT', `${name} did not run (${why === '' ? endOf(child) : why}): ${last}`)
  }
}
