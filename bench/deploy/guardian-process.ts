// The guardian: a small process that outlives the harness by seconds. It lives as long as its standard input, and then
// ends what it was told of and removes the run's folder.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { sessionLabel } from './docker/labels.ts'
import { sweep, type EngineAddress } from './docker/sweep.ts'
import { knownTree, sendSignal, stillRuns, type KnownProcess } from './process-table.ts'

/** What the guardian is told, one JSON line a message. */
export type GuardianMessage =
  /** End this process group with the harness: its leader gets `first`, then a moment. */
  | { readonly type: 'watch'; readonly leader: KnownProcess; readonly first: NodeJS.Signals }
  | { readonly type: 'forget'; readonly pid: number }
  | { readonly type: 'folder'; readonly path: string }
  /** Remove everything that this run has made at the engine. */
  | { readonly type: 'containers'; readonly engine: EngineAddress; readonly runId: string }

/** Time for orderly ends after the first signal. */
const GRACE_MS = 2_000
/** Time for the system to take a killed process away. */
const KILL_MS = 3_000
const LOOK_EVERY_MS = 20
const REMOVE_TRIES = 20
/** The engine may still be making what the harness asked for when it was killed. */
const EMPTY_LOOKS = 2

const watched = new Map<number, { readonly leader: KnownProcess; readonly first: NodeJS.Signals }>()
let folder: string | undefined
let containers: { readonly engine: EngineAddress; readonly runId: string } | undefined

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves when none of the processes runs, or after `ms`. */
async function untilGone(processes: readonly KnownProcess[], ms: number): Promise<void> {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs && processes.some(stillRuns)) await pause(LOOK_EVERY_MS)
}

async function endEverything(): Promise<void> {
  const groups = [...watched.values()].filter(({ leader }) => stillRuns(leader))
  // Children may have left the group, and are no longer found when their parent has ended.
  const all = groups.flatMap(({ leader }) => knownTree(leader.pid))
  for (const { leader, first } of groups) sendSignal(leader.pid, first)
  for (const { pid } of all) sendSignal(pid, 'SIGCONT')
  await untilGone(all, GRACE_MS)
  for (const { leader } of groups) sendSignal(-leader.pid, 'SIGKILL')
  for (const each of all) if (stillRuns(each)) sendSignal(each.pid, 'SIGKILL')
  await untilGone(all, KILL_MS)
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
  const message = JSON.parse(line) as GuardianMessage
  if (message.type === 'watch') watched.set(message.leader.pid, message)
  else if (message.type === 'forget') watched.delete(message.pid)
  else if (message.type === 'containers') containers = message
  else folder = message.path
}
const { engine, runId } = containers ?? {}
await Promise.all([
  endEverything(),
  // An engine that does not answer runs nothing either, or is swept at the next start.
  engine !== undefined && runId !== undefined
    ? sweep(engine, sessionLabel(runId), EMPTY_LOOKS).catch(() => undefined)
    : undefined,
])
if (folder !== undefined) await removeFolder(folder)
