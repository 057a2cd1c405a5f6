// One service as a running process: set up, started until it is ready, signalled, measured, ended.
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Command, Place, Service } from '../contract/service.ts'
import { delay } from '../lib/clock.ts'
import type { Guardian } from './guardian.ts'
import { allEnded, knownTree, processTree, sendSignal, stillRuns } from './process-table.ts'
import { untilReady } from './readiness.ts'
import { diedError, startError } from './service-errors.ts'
import { writeServiceFiles } from './service-files.ts'
import { lastLines, LogReader } from './service-log.ts'
import { giveTo, readableFolder, relocate, type ServiceUser } from './service-user.ts'
import { ended, endOf, spawnCommand } from './spawn.ts'
import { UsageMeter, type MeasuredUsage } from './usage-meter.ts'

export interface Supervision {
  readonly guardian: Guardian
  /** The run's data folder. */
  readonly root: string
  /** Copies of program folders that the unprivileged user could not read. */
  readonly programs: Map<string, string>
  readonly user: ServiceUser | undefined
  readonly onDeath: (error: BenchError) => void
}

/** Killed processes end within milliseconds, unless the system holds them. */
const GONE_WITHIN_MS = 5000

type State = 'down' | 'starting' | 'up' | 'ending'

/** Supervises one service. Its folder exists; all else happens in `start`. */
export class SupervisedService {
  readonly service: Service
  readonly place: Place
  readonly #supervision: Supervision
  readonly #logPath: string
  readonly #meter = new UsageMeter()
  #child: ChildProcess | undefined
  #state: State = 'down'
  #isSetUp = false

  constructor(service: Service, place: Place, supervision: Supervision) {
    this.service = service
    this.place = place
    this.#supervision = supervision
    this.#logPath = join(place.folder, 'service.log')
  }

  /** Sets the service up if it never was, starts it, and resolves when it is ready. Throws SERVICE_START, or the signal's reason. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#isSetUp) await this.#setUp(signal)
    this.#state = 'starting'
    const log = new LogReader(this.#logPath)
    const child = this.#spawn(this.service.command(this.place))
    this.#child = child
    const { ready, readyTimeoutMs } = this.service
    const timeout = new AbortController()
    const timer = setTimeout(
      () => timeout.abort(new Error(`it was not ready within ${readyTimeoutMs} ms`)),
      readyTimeoutMs,
    )
    const stopWaiting = new AbortController()
    try {
      const waiting = AbortSignal.any([signal, timeout.signal, stopWaiting.signal])
      await Promise.race([
        untilReady(ready, this.place, log, waiting),
        ended(child).then(() => Promise.reject(new Error(`it ended with ${endOf(child)}`))),
      ])
      this.#state = 'up'
    } catch (error) {
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
  pause(): void {
    const pid = this.#running()
    // A process that is stopped makes no more children: stop parents first, and look again until no new ones are found.
    const stopped = new Set<number>()
    for (let found = true; found;) {
      found = false
      for (const each of processTree(pid)) {
        if (stopped.has(each)) continue
        sendSignal(each, 'SIGSTOP')
        stopped.add(each)
        found = true
      }
    }
  }

  /** Lets every process of the service go on. */
  resume(): void {
    for (const pid of processTree(this.#running())) sendSignal(pid, 'SIGCONT')
  }

  /** Starts the service again on the same folder and ports, ending it first if it runs. */
  async restart(signal: AbortSignal): Promise<void> {
    await this.stop()
    await this.start(signal)
  }

  usage(): MeasuredUsage {
    if (this.#child?.pid !== undefined) this.#meter.read(this.#child.pid)
    return this.#meter.usage(this.service)
  }

  async #setUp(signal: AbortSignal): Promise<void> {
    writeServiceFiles(this.place.folder, this.service.files(this.place))
    writeFileSync(this.#logPath, '', { mode: 0o600 })
    if (this.#user !== undefined) giveTo(this.#user, this.place.folder)
    for (const command of this.service.setup(this.place)) {
      const child = this.#spawn(command)
      const end = ended(child)
      const onAbort = () => child.pid !== undefined && sendSignal(-child.pid, 'SIGKILL')
      signal.addEventListener('abort', onAbort, { once: true })
      await end
      signal.removeEventListener('abort', onAbort)
      signal.throwIfAborted()
      if (child.exitCode !== 0)
        throw this.#startError(`setting it up with ${command.program} ended with ${endOf(child)}`)
    }
    this.#isSetUp = true
  }

  get #user(): ServiceUser | undefined {
    return this.service.unprivileged ? this.#supervision.user : undefined
  }

  #spawn(asked: Command): ChildProcess {
    const { guardian, root, programs } = this.#supervision
    const { programFolder } = this.service
    const user = this.#user
    const command =
      user === undefined || programFolder === undefined
        ? asked
        : relocate(asked, programFolder, readableFolder(user, programFolder, root, programs))
    const child = spawnCommand(command, { folder: this.place.folder, logPath: this.#logPath, user })
    child.once('error', (error) => this.#note(messageOf(error)))
    const { pid } = child
    if (pid !== undefined) {
      guardian.watch(pid, this.service.stopSignal)
      child.once('exit', () => {
        // Nothing that it started in its group outlives it.
        sendSignal(-pid, 'SIGKILL')
        guardian.forget(pid)
        if (child === this.#child) this.#ended(child)
      })
    }
    return child
  }

  #ended(child: ChildProcess): void {
    const state = this.#state
    this.#child = undefined
    this.#state = 'down'
    this.#meter.restart()
    if (state !== 'up') return
    this.#supervision.onDeath(diedError(this.service.name, endOf(child), this.#logPath))
  }

  async #end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    this.#state = 'ending'
    this.#meter.read(child.pid)
    const end = ended(child)
    let tree = knownTree(child.pid)
    if (signal !== 'SIGKILL') {
      sendSignal(child.pid, signal)
      this.resume()
      const waited = new AbortController()
      await Promise.race([end.finally(() => waited.abort()), delay(graceMs, waited.signal).catch(() => undefined)])
    }
    if (this.#child === child) {
      // Stopped first, so that none can start another while they are killed.
      this.pause()
      tree = [...tree, ...knownTree(child.pid)]
      for (const pid of processTree(child.pid)) sendSignal(pid, 'SIGKILL')
      await end
    }
    // What left its group and outlived it. A server that starts again while one of them lives finds its memory in use.
    for (const each of tree) if (stillRuns(each)) sendSignal(each.pid, 'SIGKILL')
    if (!(await allEnded(tree, GONE_WITHIN_MS)))
      this.#note(`some of its processes had not ended ${GONE_WITHIN_MS} ms after they were killed`)
  }

  #running(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new BenchError('BUG', `${this.service.name} is not running.`)
    return pid
  }

  /** A line of ours in the service's log. */
  #note(line: string): void {
    writeFileSync(this.#logPath, `${line}\n`, { flag: 'a' })
  }

  #startError(why: string): BenchError {
    const logPath = this.#logPath
    return startError(this.service.name, why, { logPath, lines: 1, told: lastLines(logPath, 20) })
  }
}
