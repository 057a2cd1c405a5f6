// What is left when a system has been ended: no process, no port, no folder, no connection; and no secret where others can read it.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Address } from '../contract/driver.ts'
import { delay } from '../lib/clock.ts'
import { expect } from './check.ts'
import type { Ground } from './ground.ts'
import type { Step } from './set-up.ts'
import { openSockets } from './sockets.ts'

export const KEEPS_SECRETS: Step = {
  name: 'keeps-secrets',
  sentence: 'the secret stands in no argument of a process and in no log of a service',
  limitMs: 15_000,
}
export const LEAVES_NOTHING: Step = {
  name: 'leaves-nothing',
  sentence: 'ended, it leaves no process, no port, no folder and no connection',
  limitMs: 60_000,
}

const GONE_WITHIN_MS = 3000

interface Process {
  readonly pid: number
  readonly args: string
  readonly folder: string
}

/** Every process that this user may look into; empty where the system has no /proc. */
function processes(): Process[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const args = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ')
        return [{ pid: Number(name), args, folder: readlinkSync(`/proc/${name}/cwd`) }]
      } catch {
        return []
      }
    })
}

/** What `look` finds; undefined where the store has removed the file or folder since it was listed. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A running store makes and removes files while they are listed, folder by folder. */
export function logsIn(folder: string): string[] {
  const entries = ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? []
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return logsIn(path)
    return entry.isFile() && entry.name.endsWith('.log') ? [path] : []
  })
}

export function checkSecrets(ground: Ground): undefined {
  const { secret } = ground.plan
  const showing = processes().find(({ args }) => args.includes(secret))
  expect(showing === undefined, () => `The secret stands in the arguments of process ${showing?.pid}.`)
  for (const log of logsIn(ground.house.ground.folder)) {
    expect(
      ifThere(() => readFileSync(log, 'latin1'))?.includes(secret) !== true,
      () => `The secret stands in ${log.slice(ground.house.ground.folder.length + 1)}.`,
    )
  }
  return undefined
}

function answers({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** Closes what the driver opened while its store still runs, then ends everything, and looks for what is left. */
export async function checkLeavings(ground: Ground): Promise<undefined> {
  await ground.closeSessions()
  await ground.admin[Symbol.asyncDispose]()
  const endMs = performance.now() + GONE_WITHIN_MS
  while (openSockets() > ground.housesSockets && performance.now() < endMs) await delay(20)
  const sockets = openSockets() - ground.housesSockets
  const { folder } = ground.house.ground
  const addresses = Object.values(ground.house.endpoints()).flatMap((ports) => Object.entries(ports))
  await ground[Symbol.asyncDispose]()
  expect(!existsSync(folder), () => `The data folder ${folder} is still there.`)
  const left = processes().find(({ args, folder: at }) => args.includes(folder) || at.startsWith(folder))
  expect(left === undefined, () => `Process ${left?.pid} still runs (${left?.args.slice(0, 80)}).`)
  for (const [name, address] of addresses) {
    expect(!(await answers(address)), () => `Somebody still listens on the port ${name}.`)
  }
  expect(sockets <= 0, () => `${sockets} connections are still open after all sessions and the admin were closed.`)
  return undefined
}
