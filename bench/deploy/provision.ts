// Makes what drivers need beside npm's packages: each provision once, in the user's cache, by one run at a time.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Provision, ProvisionStep } from '../contract/provision.ts'
import { delay } from '../lib/clock.ts'
import { completeFile, isProvided, provisionFolder } from '../lib/provision-folder.ts'
import { Guardian } from './guardian.ts'
import { PortAllocator } from './ports.ts'
import { lockFile } from './lock-file.ts'
import { sendSignal } from './process-table.ts'
import { untilReady } from './readiness.ts'
import { writeServiceFiles } from './service-files.ts'
import { lastLines, LogReader } from './service-log.ts'
import { ended, endOf, spawnCommand } from './spawn.ts'

type StepPlace = Parameters<Provision['files']>[0]

/** Makes every provision that is not there yet; `progress` gets a sentence part for each step. Throws COMPONENT. */
export async function provide(
  provisions: readonly Provision[],
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<void> {
  for (const provision of provisions) {
    if (isProvided(provision)) continue
    const folder = provisionFolder(provision)
    try {
      mkdirSync(dirname(folder), { recursive: true })
      const waits = () => progress(`waiting for another run that makes ${provision.name}`)
      using _held = await lockFile(`${folder}.lock`, signal, waits)
      if (!isProvided(provision)) await make(provision, folder, signal, progress)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BenchError) throw error
      throw new BenchError(
        'COMPONENT',
        `${provision.name} could not be made in ${folder}: ${messageOf(error)}; ${provision.remedy}.`,
        { cause: error },
      )
    }
  }
}

async function make(
  provision: Provision,
  folder: string,
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o755 })
  await using allocator = new PortAllocator()
  const addresses = await allocator.take(provision.ports.length)
  const ports = Object.fromEntries(provision.ports.map((name, i) => [name, addresses[i]]))
  const place: StepPlace = { folder, ports }
  writeServiceFiles(folder, provision.files(place))
  // A run that is killed takes what it started along; what it made so far is not complete, and is made anew.
  await using guardian = new Guardian()
  for (const step of provision.steps) {
    progress(step.what)
    await run(step, place, join(folder, 'provision.log'), guardian, signal)
  }
  writeFileSync(completeFile(folder), '')
}

async function run(
  step: ProvisionStep,
  place: StepPlace,
  logPath: string,
  guardian: Guardian,
  signal: AbortSignal,
): Promise<void> {
  writeFileSync(logPath, '')
  const child = spawnCommand(step.command(place), { folder: place.folder, logPath, user: undefined })
  child.once('error', (error) => writeFileSync(logPath, `${messageOf(error)}\n`, { flag: 'a' }))
  const { pid } = child
  const end = ended(child)
  if (pid !== undefined) guardian.watch(pid, 'SIGTERM')
  const stopWaiting = new AbortController()
  const waiting = AbortSignal.any([signal, stopWaiting.signal])
  const late = delay(step.timeoutMs, waiting).then(() => {
    throw new Error(`${step.what} took longer than ${step.timeoutMs / 1000} s`)
  })
  late.catch(() => undefined)
  try {
    if (step.ready !== undefined) {
      const ready = untilReady(step.ready, place, new LogReader(logPath), waiting)
      ready.catch(() => undefined)
      await Promise.race([ready, end, late])
      if (hasEnded(child)) throw failure(step, child, logPath)
      child.kill('SIGTERM')
      await Promise.race([end, late])
    } else {
      await Promise.race([end, late])
      if (child.exitCode !== 0) throw failure(step, child, logPath)
    }
  } finally {
    stopWaiting.abort()
    if (pid !== undefined) {
      sendSignal(-pid, 'SIGKILL')
      await end
      guardian.forget(pid)
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

function failure(step: ProvisionStep, child: ChildProcess, logPath: string): Error {
  return new Error(`${step.what} ended with ${endOf(child)} (${lastLines(logPath, 2) || 'its log is empty'})`)
}
