// The guardian: a small process that outlives the harness by seconds. It lives as long as its standard input, and then
// ends what it was told of and removes the run's folder. It imports nothing of ours, so that nothing can break it.
//
// One JSON line a message:  {"watch": pid, "mark": "…", "first": "SIGQUIT"} · {"forget": pid} · {"folder": "/…"}
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Watched {
  readonly mark: string | null
  readonly first: NodeJS.Signals
}

/** Time for orderly ends after the first signal. */
const GRACE_MS = 2_000
/** Time for the system to take a killed process away. */
const KILL_MS = 3_000
const REMOVE_TRIES = 20

const watched = new Map<number, Watched>()
let folder: string | undefined

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** Whether the process still is the one that was told of, and no zombie. */
function lives(pid: number, { mark }: Watched): boolean {
  if (process.platform !== 'linux') return signal(pid, 0)
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] !== 'Z' && (mark === null || fields[19] === mark)
  } catch {
    return false
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function endEverything(): Promise<void> {
  const groups = [...watched].filter(([pid, entry]) => lives(pid, entry))
  for (const [pid, { first }] of groups) {
    signal(pid, first)
    signal(pid, 'SIGCONT')
  }
  const anyLives = () => groups.some(([pid, entry]) => lives(pid, entry))
  const graceMs = performance.now() + GRACE_MS
  while (performance.now() < graceMs && anyLives()) await pause(20)
  // A group's number is not given out again while one of its processes lives, so this ends nobody else's.
  for (const [pid] of groups) signal(-pid, 'SIGKILL')
  const untilMs = performance.now() + KILL_MS
  while (performance.now() < untilMs && anyLives()) await pause(20)
}

/** What was just killed may still be writing. */
async function removeFolder(path: string): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES; tries++) {
    try {
      rmSync(path, { recursive: true, force: true })
      return
    } catch {
      await pause(100)
    }
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as {
    watch?: number
    mark?: string
    first?: NodeJS.Signals
    forget?: number
    folder?: string
  }
  if (message.watch !== undefined)
    watched.set(message.watch, { mark: message.mark ?? null, first: message.first ?? 'SIGTERM' })
  if (message.forget !== undefined) watched.delete(message.forget)
  if (message.folder !== undefined) folder = message.folder
}
await endEverything()
if (folder !== undefined) await removeFolder(folder)
