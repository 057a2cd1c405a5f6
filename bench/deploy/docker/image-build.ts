// Builds the image of this project's own services from the sources as they are: once a process, and one process at a time.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { BenchError, messageOf } from '../../contract/errors.ts'
import { orReason } from '../../lib/abort.ts'
import { lockFile } from '../lock-file.ts'
import { sendSignal } from '../process-table.ts'

const BUILD = fileURLToPath(new URL('../../../docker/node/build', import.meta.url))
const LOCK = join(tmpdir(), `geowrite-image-${process.getuid?.() ?? 'user'}.lock`)

type Environment = Readonly<Record<string, string>>

let built: Promise<void> | undefined

/**
 * Some tenths of a second when nothing has changed. `environment` names the engine and the images below. Throws COMPONENT, or
 * the signal's reason.
 */
export function buildOwnImage(
  environment: Environment,
  progress: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> {
  built ??= build(environment, progress, signal).catch((error: unknown) => {
    built = undefined
    throw error
  })
  return built
}

async function build(
  environment: Environment,
  progress: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> {
  using _alone = await lockFile(LOCK, signal, () => progress('waiting for another run to build the image of geowrite'))
  // A process group of its own, so that what it starts can be ended with it.
  const child = spawn(BUILD, {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, ...environment },
  })
  const ended = once(child, 'close').catch((error: unknown) => refuse(messageOf(error)))
  const said = text(child.stderr)
  try {
    await orReason(ended, signal)
  } catch (error) {
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGTERM')
    throw error
  }
  if (child.exitCode !== 0) refuse((await said).trim().split('\n').at(-1) ?? '')
}

function refuse(why: string): never {
  throw new BenchError(
    'COMPONENT',
    `The image of geowrite's own services could not be built: “${why}”; mend the cause, or name an image with --image geowrite=….`,
  )
}
