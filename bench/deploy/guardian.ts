// The harness's hold on its guardian: whatever ends the harness, even kill -9, ends the services and their folder too.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Socket } from 'node:net'
import type { EngineAddress } from './docker/sweep.ts'
import type { GuardianMessage } from './guardian-process.ts'
import { startMark } from './process-table.ts'

/** One guardian process. Disposing it ends all that it still watches, removes the folder, and returns when that is done. */
export class Guardian implements AsyncDisposable {
  readonly #child: ChildProcess

  /** Starts the guardian, of the data folder `folder` if given; it needs no reply, since it reads its messages when it runs. */
  constructor(folder?: string) {
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('./guardian-process.ts', import.meta.url))], {
      // A session of its own: a terminal's Ctrl-C or hang-up does not reach it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: process.env.PATH },
    })
    // It must neither keep the harness alive nor bring it down.
    this.#child.unref()
    this.#child.on('error', () => undefined)
    this.#child.stdin?.on('error', () => undefined)
    ;(this.#child.stdin as Socket | null)?.unref()
    if (folder !== undefined) this.#tell({ type: 'folder', path: folder })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Ends the process group `pid` with the harness; its leader gets the signal `first` and a moment for it. */
  watch(pid: number, first: NodeJS.Signals): void {
    const mark = startMark(pid)
    if (mark !== undefined) this.#tell({ type: 'watch', leader: { pid, mark }, first })
  }

  /** The group has ended. */
  forget(pid: number): void {
    this.#tell({ type: 'forget', pid })
  }

  /** What the run makes at this engine is removed with the harness. */
  sweep(engine: EngineAddress, runId: string): void {
    this.#tell({ type: 'containers', engine, runId })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    this.#child.ref()
    const exited = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exited
  }

  #tell(message: GuardianMessage): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`)
  }
}
