// Users of a store do not sit on its processors: where the system lets it, a thread that sends on schedule or looks for rows goes
// before the stores, so that a busy machine does not make its times late.
import { spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import type { WorkerPhase } from '../contract/run-folder.ts'

type ThreadClass = WorkerPhase['threadClass']

const ARGUMENTS: Readonly<Record<ThreadClass, readonly string[]>> = {
  // The real-time class by turns, of which Linux keeps 5 % of the time for others (sched(7), sched_rt_runtime_us).
  first: ['--reset-on-fork', '--rr', '--pid', '1'],
  usual: ['--other', '--pid', '0'],
}

/** Every thread has this module to itself. */
let current: ThreadClass = 'usual'

/**
 * Puts the calling thread, and it alone, into a scheduling class. Returns the one that it is in: an ordinary user may not go first,
 * and other systems than Linux have no such thing; slip and event-loop delay tell what that costs.
 */
export function goAs(wanted: ThreadClass): ThreadClass {
  if (wanted === current || process.platform !== 'linux') return current
  try {
    // "PID/task/TID" of the thread that asks (proc(5)); Node runs this call in the thread itself.
    const threadId = readlinkSync('/proc/thread-self').split('/')[2]
    if (spawnSync('chrt', [...ARGUMENTS[wanted], threadId], { stdio: 'ignore' }).status === 0) current = wanted
  } catch {
    // Without /proc nobody is moved.
  }
  return current
}
