// One start of a container until its end: what it says goes into a file, its standard input stays open, and its end is noticed.
import { closeSync, openSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { Writable } from 'node:stream'
import { delay } from '../../lib/clock.ts'
import type { DockerContainer, Engine } from './engine.ts'

const LOG_ENDS_WITHIN_MS = 1000

export class ContainerLife {
  /** Resolves when it has ended, with how, as part of a sentence: a program's code, a signal, or that it was taken away. */
  readonly ended: Promise<string>
  #isOver = false

  private constructor(ended: Promise<string>) {
    this.ended = ended.finally(() => {
      this.#isOver = true
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Attaches to a container before it is started; `started` settles when it has been. */
  static async follow(
    engine: Engine,
    container: DockerContainer,
    logPath: string,
    started: Promise<unknown>,
  ): Promise<ContainerLife> {
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
    const said = new Promise<void>((resolve) => {
      for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve())
    })
    const log = new LogFile(logPath)
    engine.docker.modem.demuxStream(stream, log, log)
    const ended = exitOf(container, started).then(async (how) => {
      await Promise.race([said, delay(LOG_ENDS_WITHIN_MS)])
      log.close()
      stream.end()
      return how
    })
    return new ContainerLife(ended)
  }
}

/** Written at once, so that whoever waits for a line sees it. */
class LogFile extends Writable {
  #file: number | undefined

  constructor(path: string) {
    super()
    this.#file = openSync(path, 'a', 0o600)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#file !== undefined) writeSync(this.#file, chunk)
    done()
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}

/** Asked twice: before the start, which alone notices a program that ends at once, and after it, lest the start was the quicker. */
async function exitOf(container: DockerContainer, started: Promise<unknown>): Promise<string> {
  const next: Promise<unknown> = container.wait({ condition: 'next-exit' })
  const notRunning = started.then((): Promise<unknown> => container.wait({ condition: 'not-running' }))
  try {
    await Promise.race([next, notRunning]).catch(() => undefined)
    const { State } = await container.inspect()
    if (State.OOMKilled) return 'signal SIGKILL, since it needed more memory than --container-memory gives'
    return codeText(State.ExitCode)
  } catch {
    return 'no word: it was taken away, or the engine has ended'
  }
}

/** A shell's way to tell a signal: 128 and its number. */
function codeText(code: number): string {
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  return name === undefined ? `exit code ${code}` : `signal ${name}`
}
