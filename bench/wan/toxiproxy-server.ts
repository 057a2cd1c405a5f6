// Toxiproxy as a child of a link's process, and its answers.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { Toxiproxy } from 'toxiproxy-node-client'
import { messageOf } from '../contract/errors.ts'
import { delay } from '../lib/clock.ts'
import { log } from '../lib/service-process.ts'

const PROGRAM = 'toxiproxy'
const LOOPBACK = '127.0.0.1'
const START_MS = 10_000
const LOOK_EVERY_MS = 20
const ANSWER_WITHIN_MS = 5000
/** Toxiproxy throws bytes away when it cannot hand them on within 5 s while a toxic changes: a stream with a hole in it. */
const BYTES_LOST = 'Could not write last packets'

/** A port that nobody has now, other than those that are spoken for. */
async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, LOOPBACK)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    if (!taken.has(port)) return port
  }
}

const TRIES = 4

/**
 * Asks again where no answer came: a busy machine can have a connection that is taken up again just as it is closed. What is
 * asked must be the same when it is done twice.
 */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      // Its client hands on no more of why. An answer that refuses says something else.
      if (tries === TRIES || !messageOf(error).includes('fetch failed')) throw error
      log(`${PROGRAM} did not answer`)
      await delay(tries * LOOK_EVERY_MS)
    }
  }
}

const OLD_METHOD = 'HTTP method POST'

export class ToxiproxyServer {
  readonly client: Toxiproxy
  readonly #url: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #ending = false

  private constructor(port: number, seed: number, fail: (why: string) => void) {
    this.#url = `http://${LOOPBACK}:${port}`
    this.client = new Toxiproxy(this.#url)
    this.#child = spawn(PROGRAM, [`-host=${LOOPBACK}`, `-port=${port}`, '-proxy-metrics', `-seed=${seed}`], {
      env: { ...process.env, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#ended = once(this.#child, 'close').catch((error: unknown) => fail(`${PROGRAM}: ${messageOf(error)}`))
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      if (output === null) continue
      createInterface(output).on('line', (line) => {
        // Its client (4.1.0) still changes things by POST, and is told so each time.
        if (!line.includes(OLD_METHOD)) log(line)
        if (line.includes(BYTES_LOST)) fail(`${PROGRAM} lost bytes that it held`)
      })
    }
    void this.#ended.then(() => {
      if (!this.#ending) fail(`${PROGRAM} ended by itself`)
    })
  }

  /** Starts it, its own port being none of `taken`. `fail` is called when it ends by itself or loses bytes. */
  static async start(taken: readonly number[], seed: number, fail: (why: string) => void): Promise<ToxiproxyServer> {
    const server = new ToxiproxyServer(await freePort(new Set(taken)), seed, fail)
    const giveUpAtMs = performance.now() + START_MS
    for (;;) {
      try {
        await server.#get('/version')
        return server
      } catch (error) {
        if (performance.now() > giveUpAtMs) throw error
        await delay(LOOK_EVERY_MS)
      }
    }
  }

  /** Its metrics, as Prometheus reads them. */
  metrics(): Promise<string> {
    return untilAnswered(() => this.#get('/metrics'))
  }

  async stop(): Promise<void> {
    this.#ending = true
    this.#child.kill('SIGTERM')
    await this.#ended
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    if (!response.ok) throw new Error(`${PROGRAM} answered ${response.status} to ${path}`)
    return response.text()
  }
}
