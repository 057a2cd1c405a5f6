// The WAN is not made of the stores' processors: where the system lets it, a link's process goes before them, so that a busy
// machine does not lengthen the links.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

const NICE = -10

/** Raises this process before it starts threads. Without the right to do so nothing changes, and the pings tell what it costs. */
export function goFirst(): void {
  try {
    setPriority(NICE)
    // Linux may schedule each session as a group, and then the nice value counts within the group only.
    if (process.platform === 'linux' && leadsSession()) writeFileSync('/proc/self/autogroup', String(NICE))
  } catch {
    // An ordinary user may not, or the system has no such groups.
  }
  // By its nice value it gets its share, but at the end of another's slice of some milliseconds; in the real-time class it gets it
  // at once (sched(7)).
  if (process.platform === 'linux')
    spawnSync('chrt', ['--all-tasks', '--rr', '--pid', '1', String(process.pid)], { stdio: 'ignore' })
}

/** Whether the session is this process's own: nobody else may be raised with it. */
function leadsSession(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === process.pid
}
