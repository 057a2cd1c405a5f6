// One service as a container: made with its files, started until it is ready, signalled, measured, ended. What
// SupervisedService is for processes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError, messageOf } from '../../contract/errors.ts'
import type { Address } from '../../contract/driver.ts'
import type { Place, Service } from '../../contract/service.ts'
import { orReason } from '../../lib/abort.ts'
import { delay } from '../../lib/clock.ts'
import { untilReady } from '../readiness.ts'
import { diedError, startError } from '../service-errors.ts'
import { LogReader } from '../service-log.ts'
import { UsageMeter, type MeasuredUsage } from '../usage-meter.ts'
import { editFile } from './container-files.ts'
import { pauseContainer } from './container-pause.ts'
import { ContainerLife } from './container-life.ts'
import { containerReading, visibleLeader } from './container-usage.ts'
import type { DockerContainer, Engine } from './engine.ts'
import { RunContainer, type ContainerPlan } from './run-container.ts'

interface Surroundings {
  readonly engine: Engine
  /** Where its log is kept, on this machine. */
  readonly logFolder: string
  /** Its ports as they are published. */
  readonly published: Readonly<Record<string, Address>>
  /** Asked when it is first started: only then is it known which way it reaches others. */
  plan(): ContainerPlan
  readonly onDeath: (error: BenchError) => void
}

/** The engine's proxy accepts at a published port before anything listens behind it, and then closes at once. */
const HELD_MS = 200
/** Setting up is not part of a service's own time to become ready. */
const SET_UP_MS = 60_000
/** How long an interrupted start is waited for: what the engine makes later is swept. */
const SETTLES_WITHIN_MS = 2000

type State = 'down' | 'starting' | 'up' | 'ending'

/** Supervises one service. The container is made when it is first started. */
export class ServiceContainer {
  readonly service: Service
  readonly place: Place
  readonly #around: Surroundings
  readonly #logPath: string
  readonly #meter = new UsageMeter()
  #container: DockerContainer | undefined
  /** What runs, or ran last. */
  #life: ContainerLife | undefined
  /** Its first process on this machine; null where that cannot be seen, undefined until it is known. */
  #leader: number | null | undefined
  #state: State = 'down'
  #isPaused = false

  constructor(service: Service, place: Place, around: Surroundings) {
    this.service = service
    this.place = place
    this.#around = around
    this.#logPath = join(around.logFolder, 'service.log')
    writeFileSync(this.#logPath, '', { mode: 0o600 })
  }

  /** Makes the container if there is none yet, starts it, and resolves when it is ready. Throws SERVICE_START, or the signal's reason. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#state = 'starting'
    const { ready, readyTimeoutMs } = this.service
    const limitMs = readyTimeoutMs + (this.#container === undefined && this.#setsUp ? SET_UP_MS : 0)
    const stopWaiting = new AbortController()
    const timer = setTimeout(() => stopWaiting.abort(new Error(`it was not ready within ${limitMs} ms`)), limitMs)
    const waiting = AbortSignal.any([signal, stopWaiting.signal])
    const log = new LogReader(this.#logPath)
    const launched = this.#launch()
    try {
      await orReason(launched, waiting)
      if (this.#life?.isOver === true) throw new Error(`it ended with ${await this.#life.ended}`)
      this.#leader = await visibleLeader(this.#running())
      await Promise.race([
        untilReady(ready, { ports: this.#around.published }, log, waiting, HELD_MS),
        this.#life?.ended.then((how) => Promise.reject(new Error(`it ended with ${how}`))),
      ])
      this.#state = 'up'
    } catch (error) {
      await Promise.race([launched.catch(() => undefined), delay(SETTLES_WITHIN_MS)])
      await this.kill('SIGKILL')
      if (signal.aborted) throw signal.reason
      throw this.#startError(messageOf(error))
    } finally {
      clearTimeout(timer)
      stopWaiting.abort()
    }
  }

  /** Asks the service to end, and after its time, or `limitMs` if that is shorter, kills it. */
  async stop(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#end(this.service.stopSignal, Math.min(limitMs, this.service.stopTimeoutMs))
  }

  /** Ends the service from outside, all its processes at once with SIGKILL; resolves when it has ended. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#end(signal, this.service.stopTimeoutMs)
  }

  /** Stops every process of the service where it is. */
  async pause(): Promise<void> {
    const container = this.#running()
    if (!this.#isPaused) await pauseContainer(container)
    this.#isPaused = true
  }

  /** Lets every process of the service go on. */
  async resume(): Promise<void> {
    const container = this.#running()
    if (this.#isPaused) await container.unpause()
    this.#isPaused = false
  }

  /** Starts the service again on the same folder, addresses and ports, ending it first if it runs. */
  async restart(signal: AbortSignal): Promise<void> {
    await this.stop()
    await this.start(signal)
  }

  async edit(path: string, change: (text: string) => string): Promise<void> {
    const container = this.#container
    if (container === undefined) throw new BenchError('BUG', `${this.service.name} was never started.`)
    const file = `${this.place.folder}/${path}`
    await editFile(container, { path: file, user: this.service.container?.user ?? '', isRunning: this.#runs }, change)
  }

  async usage(): Promise<MeasuredUsage> {
    // Asked before that, the engine would answer for a service whose processes can be seen, and count other things.
    if (this.#container !== undefined && this.#runs && this.#leader !== undefined) {
      const life = this.#life
      // A container that ends at this moment has nothing more to tell.
      const reading = await containerReading(this.#container, this.#leader).catch(() => undefined)
      if (reading !== undefined && this.#life === life && this.#runs) this.#meter.take(reading)
    }
    return this.#meter.usage(this.service)
  }

  get #setsUp(): boolean {
    return this.service.setup(this.place).length > 0
  }

  get #runs(): boolean {
    return this.#life !== undefined && !this.#life.isOver
  }

  /** Resolves when it has been started, whether or not it still runs. */
  async #launch(): Promise<void> {
    const { engine, plan } = this.#around
    const started = Promise.withResolvers<void>()
    const followed = Promise.withResolvers<ContainerLife>()
    const follow = async (container: DockerContainer) => {
      this.#container = container
      followed.resolve(await this.#follow(container, started.promise))
    }
    const existing = this.#container
    const starting: Promise<unknown> =
      existing === undefined
        ? new RunContainer(engine, plan(), (id) => follow(engine.docker.getContainer(id))).start()
        : follow(existing).then(() => existing.start())
    starting.then(() => started.resolve(), started.reject)
    // Testcontainers waits long for the ports of a container that has already ended.
    await Promise.race([started.promise, followed.promise.then(({ ended }) => ended)])
  }

  async #follow(container: DockerContainer, started: Promise<void>): Promise<ContainerLife> {
    const life = await ContainerLife.follow(this.#around.engine, container, this.#logPath, started)
    this.#life = life
    void life.ended.then((how) => this.#onEnd(how))
    return life
  }

  #onEnd(how: string): void {
    const state = this.#state
    this.#state = 'down'
    this.#leader = undefined
    this.#isPaused = false
    this.#meter.restart()
    if (state !== 'up') return
    this.#around.onDeath(diedError(this.service.name, how, this.#logPath))
  }

  async #end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    const [container, life] = [this.#container, this.#life]
    if (container === undefined || life === undefined || life.isOver) return
    this.#state = 'ending'
    await this.usage()
    if (signal !== 'SIGKILL') {
      await this.resume().catch(() => undefined)
      await signalled(container, signal)
      const waited = new AbortController()
      await Promise.race([
        life.ended.finally(() => waited.abort()),
        delay(graceMs, waited.signal).catch(() => undefined),
      ])
    }
    if (!life.isOver) await signalled(container, 'SIGKILL')
    await life.ended
  }

  #running(): DockerContainer {
    if (this.#container === undefined || !this.#runs)
      throw new BenchError('BUG', `${this.service.name} is not running.`)
    return this.#container
  }

  #startError(why: string): BenchError {
    // The script's own last words name the set-up step that failed; what stands before them says why.
    const lines = this.#setsUp ? 3 : 1
    return startError(this.service.name, why, { logPath: this.#logPath, lines, told: why })
  }
}

/** Sends a signal; a container that has just ended, or was removed, needs none. */
async function signalled(container: DockerContainer, signal: NodeJS.Signals): Promise<void> {
  try {
    await container.kill({ signal })
  } catch (error) {
    const { statusCode } = error as { readonly statusCode?: number }
    if (statusCode !== 404 && statusCode !== 409) throw error
  }
}
