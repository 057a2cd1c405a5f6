// Stops a container where it is, also where its processes are slow to stand still.
import { messageOf } from '../../contract/errors.ts'
import { delay } from '../../lib/clock.ts'
import type { DockerContainer } from './engine.ts'

const TRIES = 10
const PAUSE_MS = 100
/** Under cgroup v1 the engine gives up after a while when a process waits for the disk, and lets all go on. */
const NOT_YET = 'unable to freeze'

export async function pauseContainer(container: DockerContainer): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await container.pause()
      return
    } catch (error) {
      if (tries === TRIES || !messageOf(error).includes(NOT_YET)) throw error
      await delay(PAUSE_MS)
    }
  }
}
