// Turns a Command into a process: its environment, its user, its log, and the pipe by which it notices that the harness ended.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Command } from '../contract/service.ts'
import type { ServiceUser } from './service-user.ts'

/** What services get of the harness's environment: how to find programs, and what language and zone they speak. */
const PASSED_ON = /^(PATH|LANG|LC_.*|TZ)$/

interface SpawnOptions {
  readonly folder: string
  readonly logPath: string
  readonly user: ServiceUser | undefined
}

/**
 * Starts the program in a session and process group of its own, so that a terminal's Ctrl-C reaches the harness alone.
 * Its standard input is a pipe that stays open as long as the harness lives.
 */
export function spawnCommand(command: Command, { folder, logPath, user }: SpawnOptions): ChildProcess {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))
  const log = openSync(logPath, 'a', 0o600)
  try {
    const child = spawn(command.program === 'node' ? process.execPath : command.program, [...command.args], {
      cwd: folder,
      env: { ...Object.fromEntries(passedOn), HOME: folder, TMPDIR: folder, ...command.env },
      stdio: ['pipe', log, log],
      detached: true,
      ...user,
    })
    child.stdin?.on('error', () => undefined)
    return child
  } finally {
    closeSync(log)
  }
}

/** How a process ended, as part of a sentence. */
export function endOf(child: ChildProcess): string {
  return child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`
}

/** Resolves when the process has ended or could not be started. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}
