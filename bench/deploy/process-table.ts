// What the system says of processes: their children, CPU, memory and storage bytes. Linux is read from /proc by hand, which
// costs some 50 µs a process; elsewhere `ps` answers, which knows no storage bytes.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { delay } from '../lib/clock.ts'

/** One process and all that it waited for, now. */
export interface ProcessUsage {
  readonly pid: number
  /** Including children that ended and were waited for. */
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** The part of `residentBytes` that may be shared with other processes. */
  readonly sharedBytes: number
  /** Bytes sent to storage; null where the system does not count or show them. */
  readonly storageWriteBytes: number | null
  readonly storageReadBytes: number | null
}

// Both have been the same on every Linux platform that Node runs on: USER_HZ, and pages as arm64 and x64 servers have them.
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096
const LOOK_EVERY_MS = 2
const onLinux = process.platform === 'linux'
const buffer = Buffer.allocUnsafe(16_384)

/** The start of a small file, or undefined when it cannot be read: processes end at any time. */
function readSmall(path: string): string | undefined {
  let file
  try {
    file = openSync(path, 'r')
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The fields of /proc/<pid>/stat from the third on: what stands before may hold spaces and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  const text = readSmall(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** A mark that tells a process from a later one with the same number; undefined when there is none, or it has ended. */
export function startMark(pid: number): string | undefined {
  if (onLinux) {
    const fields = statFields(pid)
    return fields?.[0] === 'Z' ? undefined : fields?.[19]
  }
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const [, state, started] = /^(\S+)\s+(.+)$/.exec(stdout.trim()) ?? []
  return state === undefined || state.startsWith('Z') ? undefined : started
}

/**
 * A process and all its descendants, parents first; empty when it has ended. A child belongs to the thread that made it:
 * `first` asks only the first thread of each, as almost all programs make their children there, and is ten times cheaper.
 */
export function processTree(root: number, threads: 'all' | 'first' = 'all'): readonly number[] {
  const childrenOf = onLinux ? (pid: number) => linuxChildren(pid, threads) : childrenByPs()
  const tree = startMark(root) === undefined ? [] : [root]
  for (let i = 0; i < tree.length; i++) tree.push(...childrenOf(tree[i]))
  return tree
}

function linuxChildren(pid: number, asked: 'all' | 'first'): readonly number[] {
  let threads: readonly (string | number)[] = [pid]
  if (asked === 'all') {
    try {
      threads = readdirSync(`/proc/${pid}/task`)
    } catch {
      return []
    }
  }
  return threads.flatMap((thread) => {
    const text = readSmall(`/proc/${pid}/task/${thread}/children`)
    return text === undefined || text === '' ? [] : text.trim().split(' ').map(Number)
  })
}

function childrenByPs(): (pid: number) => readonly number[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
  const children = Map.groupBy(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number)),
    ([, parent]) => parent,
  )
  return (pid) => children.get(pid)?.map(([child]) => child) ?? []
}

/** What each of these processes has used; those that ended are left out. */
export function usageOf(pids: readonly number[]): readonly ProcessUsage[] {
  if (pids.length === 0) return []
  return onLinux ? pids.flatMap((pid) => linuxUsage(pid) ?? []) : usageByPs(pids)
}

function linuxUsage(pid: number): ProcessUsage | undefined {
  const fields = statFields(pid)
  const pages = readSmall(`/proc/${pid}/statm`)?.split(' ')
  if (fields === undefined || pages === undefined) return undefined
  // user and system time, and those of the children that were waited for
  const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])
  const io = readSmall(`/proc/${pid}/io`)
  return {
    pid,
    cpuSeconds: ticks / TICKS_PER_SECOND,
    residentBytes: Number(pages[1]) * PAGE_BYTES,
    sharedBytes: Number(pages[2]) * PAGE_BYTES,
    storageWriteBytes: fileBytesWritten(io),
    storageReadBytes: numberAfter(io, '\nread_bytes: '),
  }
}

/**
 * The lesser of what the kernel counts as sent to storage and what the process handed to write calls. The first counts a
 * page's whole large folio each time one of its pages is dirtied anew (mm/page-writeback.c, folio_account_dirtied): 256
 * times too much was seen for a log that overwrites its file. The second counts sockets and pipes too.
 */
function fileBytesWritten(io: string | undefined): number | null {
  const dirtied = numberAfter(io, '\nwrite_bytes: ')
  const handed = numberAfter(io, '\nwchar: ')
  return dirtied === null || handed === null ? null : Math.min(dirtied, handed)
}

function numberAfter(text: string | undefined, label: string): number | null {
  const at = text?.indexOf(label) ?? -1
  return text === undefined || at < 0 ? null : Number.parseInt(text.slice(at + label.length), 10)
}

/** Usage as `ps` tells it: no storage bytes, and no children that ended. Exported so that it is tested on Linux too. */
export function usageByPs(pids: readonly number[]): readonly ProcessUsage[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,time=,rss=', '-p', pids.join(',')], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid, time, kilobytes] = line.trim().split(/\s+/)
      // [days-]hours:minutes:seconds[.hundredths]
      const [days, clock] = time.includes('-') ? time.split('-') : ['0', time]
      const cpuSeconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400
      return {
        pid: Number(pid),
        cpuSeconds,
        residentBytes: Number(kilobytes) * 1024,
        sharedBytes: 0,
        storageWriteBytes: null,
        storageReadBytes: null,
      }
    })
}

/** A process that is remembered: its number alone may come to mean another. */
export interface KnownProcess {
  readonly pid: number
  readonly mark: string
}

/** A process and all its descendants, to be asked for later. */
export function knownTree(root: number): readonly KnownProcess[] {
  return processTree(root).flatMap((pid) => {
    const mark = startMark(pid)
    return mark === undefined ? [] : [{ pid, mark }]
  })
}

export function stillRuns({ pid, mark }: KnownProcess): boolean {
  return startMark(pid) === mark
}

/** Whether all of them are gone, or only wait to be collected, within `limitMs`. */
export async function allEnded(processes: readonly KnownProcess[], limitMs: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + limitMs
  while (processes.some(stillRuns)) {
    if (performance.now() > giveUpAtMs) return false
    await delay(LOOK_EVERY_MS)
  }
  return true
}

/** Sends a signal to a process, or with a negative number to its group; false when it is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
