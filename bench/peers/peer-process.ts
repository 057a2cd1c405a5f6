// A peer of ours in a process of its own: told how to work, asked for turns, ended with the harness.
import { fork, type ChildProcess } from 'node:child_process'
import { BenchError } from '../contract/errors.ts'
import { orReason } from '../lib/abort.ts'
import type { Sample, Side } from './comparison.ts'

/** What a peer process is told, and what it answers. */
export type ToPeer =
  | { readonly type: 'open'; readonly order: unknown }
  | { readonly type: 'turn'; readonly durationMs: number }
export type FromPeer =
  | { readonly type: 'ready' }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'failed'; readonly why: string }

const END_WITHIN_MS = 2000

/** The harness's hold on one peer process. */
class PeerProcess implements Side, AsyncDisposable {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #signal: AbortSignal
  #stderr = ''

  constructor(script: URL, name: string, signal: AbortSignal) {
    this.#name = name
    this.#signal = signal
    this.#child = fork(script, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
    this.#child.stderr?.on('data', (text: Buffer) => (this.#stderr = (this.#stderr + text.toString()).slice(-2000)))
    // What is asked next tells it.
    this.#child.on('error', () => undefined)
  }

  async open(order: unknown): Promise<void> {
    await this.#ask({ type: 'open', order })
  }

  async turn(durationMs: number): Promise<Sample> {
    const answer = await this.#ask({ type: 'turn', durationMs })
    if (answer.type !== 'sample') throw new TypeError(`answered with ${answer.type}`)
    return answer.sample
  }

  #ask(message: ToPeer): Promise<FromPeer> {
    const asked = new Promise<FromPeer>((resolve, reject) => {
      const fail = (why: string) =>
        reject(new BenchError('WORKER', `The peer ${this.#name} failed: ${why}; it has no sample in this comparison.`))
      const done = (): void => void this.#child.off('exit', onExit).off('message', onMessage)
      const onExit = () => (done(), fail(`its process ended (${this.#stderr.trim().split('\n').at(-1) ?? ''})`))
      const onMessage = (answer: FromPeer) => {
        done()
        if (answer.type === 'failed') fail(answer.why)
        else resolve(answer)
      }
      this.#child.on('exit', onExit).on('message', onMessage)
      if (this.#child.connected) this.#child.send(message)
      else onExit()
    })
    return orReason(asked, this.#signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // It ends when the harness lets go of it; what does not is killed.
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
    await ended
    clearTimeout(timer)
  }
}

/** Starts the script, which follows `servePeer`, and opens it with `order`. */
export async function startPeer(
  script: URL,
  name: string,
  order: unknown,
  signal: AbortSignal,
  cleanup: AsyncDisposableStack,
): Promise<Side> {
  const peer = cleanup.use(new PeerProcess(script, name, signal))
  await peer.open(order)
  return peer
}
