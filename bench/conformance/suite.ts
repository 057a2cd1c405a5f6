// The suite over one replication of a driver: deployed once, again where a check has left it broken, and every check bounded in time.
import type { WriteMode } from '../contract/driver.ts'
import { BenchError, messageOf, type ErrorCode } from '../contract/errors.ts'
import type { Scenario } from '../contract/scenario.ts'
import { delay } from '../lib/clock.ts'
import type { System } from '../systems.ts'
import { Fault, Skipped, type Check, type CheckContext, type CheckResult, type Finding } from './check.ts'
import { CHECKS } from './checks/list.ts'
import { checkDeclaration, checkServices, DECLARATION, SERVICES } from './declaration.ts'
import { Ground } from './ground.ts'
import { checkLeavings, checkSecrets, KEEPS_SECRETS, LEAVES_NOTHING } from './leaves-nothing.ts'
import { checkDescription, DEPLOYS, load, LOADS, replicate, REPLICATES, STEPS, type Step } from './set-up.ts'
import { Watch } from './watch.ts'

/** Ending a deployment whose driver hangs is not waited for longer. */
const ENDS_WITHIN_MS = 20_000
/** What is the machine's fault ends the suite: no driver is blamed for it. */
const MACHINES_FAULTS: ReadonlySet<ErrorCode> = new Set(['LINK', 'PORTS', 'DATA_FOLDER', 'ROOM'])

/** The names of all checks, in their order. */
export const CHECK_NAMES: readonly string[] = [
  ...[DECLARATION, SERVICES, ...STEPS].map(({ name }) => name),
  ...CHECKS.map(({ name }) => name),
  ...[KEEPS_SECRETS, LEAVES_NOTHING].map(({ name }) => name),
]

export interface SuiteOrder {
  readonly scenario: Scenario
  readonly system: System
  readonly modes: readonly WriteMode[]
  /** Names of the checks to run; what sets the system up is always done. Empty: all. */
  readonly only: readonly string[]
  /** No check may take longer, whatever its own limit; setting the system up may. */
  readonly limitMs: number
  readonly begins: (check: string) => void
  readonly found: (finding: Finding) => void
  readonly signal: AbortSignal
}

interface Ended {
  readonly result: CheckResult
  readonly detail: string
  /** The deployment cannot be trusted any more. */
  readonly broken: boolean
}

export class Suite {
  readonly #order: SuiteOrder
  readonly #watch = new Watch()
  #ground: Ground | undefined
  #causality: 'bounds' | 'exact' = 'bounds'
  /** Steps of setting up that have been told: doing them again is worth a line only where they fail. */
  readonly #told = new Set<string>()
  /** Why nothing can be deployed any more. */
  #undeployable: string | undefined

  constructor(order: SuiteOrder) {
    this.#order = order
  }

  /** Runs all checks that were asked for. Throws when interrupted, or where the machine cannot: its links are late, its disk is full. */
  async run(): Promise<void> {
    const { system, modes } = this.#order
    const { driver } = system.entry
    const plan = Ground.planOf({ ...this.#order, causality: 'bounds' })
    try {
      await this.#step(DECLARATION, async () => checkDeclaration(driver, plan.table, plan.settings))
      await this.#step(SERVICES, async () => checkServices(system, plan))
      const first = modes.find(({ appendsOnly }) => appendsOnly !== true) ?? modes[0]
      for (const check of this.#checks('replication')) await this.#check(check, first, '')
      for (const mode of modes) for (const check of this.#checks('mode')) await this.#check(check, mode, mode.name)
      for (const check of this.#checks('last')) await this.#check(check, first, '')
      await this.#ending()
      await this.#exact(first)
    } finally {
      await this.#discard()
    }
  }

  #checks(level: Check['level']): readonly Check[] {
    return CHECKS.filter((check) => check.level === level && this.#wanted(check.name))
  }

  #wanted(name: string): boolean {
    return this.#order.only.length === 0 || this.#order.only.includes(name)
  }

  async #exact(mode: WriteMode): Promise<void> {
    this.#causality = 'exact'
    this.#undeployable = undefined
    const declares = this.#order.system.replication.capabilities.vectors === true
    for (const check of this.#checks('exact')) {
      if (declares) await this.#check(check, mode, '')
      else this.#tell(check, '', 'skip', 'it declares no version vectors', 0)
    }
  }

  async #ending(): Promise<void> {
    const wanted = [KEEPS_SECRETS, LEAVES_NOTHING].filter(({ name }) => this.#wanted(name))
    if (wanted.length === 0) return
    const ground = await this.#standing()
    for (const step of wanted) {
      if (ground === undefined) this.#tell(step, '', 'skip', this.#undeployable ?? '', 0)
      else if (step === KEEPS_SECRETS) await this.#step(step, async () => checkSecrets(ground))
      else {
        this.#ground = undefined
        await this.#step(step, () => checkLeavings(ground))
      }
    }
  }

  /** One check on a standing deployment. */
  async #check(check: Check, mode: WriteMode, shown: string): Promise<void> {
    const { system } = this.#order
    const why = check.skip?.(system, mode)
    if (why !== undefined) return this.#tell(check, shown, 'skip', why, 0)
    const ground = await this.#standing()
    if (ground === undefined) return this.#tell(check, shown, 'skip', this.#undeployable ?? '', 0)
    await this.#timed(check, shown, (signal) => {
      const context: CheckContext = { ground, system, mode, signal: AbortSignal.any([signal, ground.signal]) }
      return check.run(context)
    })
  }

  #step(step: Step, run: () => Promise<string | undefined>): Promise<CheckResult> | undefined {
    return this.#wanted(step.name) || STEPS.includes(step) ? this.#timed(step, '', run) : undefined
  }

  async #timed(
    step: Step,
    mode: string,
    run: (signal: AbortSignal) => Promise<string | undefined>,
  ): Promise<CheckResult> {
    this.#order.begins(step.name)
    const fromMs = performance.now()
    const { result, detail, broken } = await this.#bounded(step, run)
    this.#tell(step, mode, result, detail, performance.now() - fromMs)
    if (broken) await this.#discard()
    return result
  }

  /** What became of a check: it ends by itself, or is given up as hanging. */
  async #bounded(step: Step, run: (signal: AbortSignal) => Promise<string | undefined>): Promise<Ended> {
    const { signal } = this.#order
    signal.throwIfAborted()
    const ending = new AbortController()
    const time = new AbortController()
    const running = (async () => run(AbortSignal.any([signal, ending.signal])))()
    running.catch(() => undefined)
    const limit = STEPS.includes(step) ? step.limitMs : Math.min(step.limitMs, this.#order.limitMs)
    const hanging = delay(limit, AbortSignal.any([signal, time.signal])).then((): Ended => {
      const { waitingFor } = this.#watch
      const what = waitingFor === undefined ? 'the check had not ended' : `${waitingFor} had not answered`
      return { result: 'fail', detail: `It hangs: after ${limit / 1000} s ${what}.`, broken: true }
    })
    try {
      const ended = running.then((detail): Ended => ({ result: 'pass', detail: detail ?? '', broken: false }))
      return await Promise.race([ended, hanging])
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BenchError && MACHINES_FAULTS.has(error.code)) throw error
      if (error instanceof Skipped) return { result: 'skip', detail: error.message, broken: false }
      const died = this.#ground?.house.died
      if (died?.aborted === true) return { result: 'fail', detail: messageOf(died.reason), broken: true }
      const isFault = error instanceof Fault || error instanceof BenchError
      return {
        result: 'fail',
        detail: isFault ? messageOf(error) : `It threw: ${messageOf(error)}.`,
        broken: !(error instanceof Fault),
      }
    } finally {
      ending.abort(new Error('the check is over'))
      time.abort()
      hanging.catch(() => undefined)
    }
  }

  /** The deployment, set up; the first time each step is a check that is told. */
  async #standing(): Promise<Ground | undefined> {
    if (this.#undeployable !== undefined) return undefined
    if (this.#ground !== undefined && !this.#ground.house.died.aborted) return this.#ground
    await this.#discard()
    const { scenario, system, signal } = this.#order
    const order = { scenario, system, causality: this.#causality, watch: this.#watch, signal }
    const { readable } = system.replication.capabilities
    const steps: readonly [Step, () => Promise<string | undefined>][] = [
      [
        DEPLOYS,
        async () => {
          this.#ground = await Ground.open(order)
          return checkDescription(this.#ground)
        },
      ],
      [LOADS, () => load(this.#ground as Ground, readable)],
      [REPLICATES, () => replicate(this.#ground as Ground)],
    ]
    for (const [step, run] of steps) {
      const result = await this.#step(step, run)
      if (result === 'fail') {
        this.#undeployable = `it could not be set up (${step.name})`
        await this.#discard()
        return undefined
      }
    }
    return this.#ground
  }

  async #discard(): Promise<void> {
    const ground = this.#ground
    this.#ground = undefined
    this.#watch.clear()
    if (ground === undefined) return
    const late = new AbortController()
    const limit = delay(ENDS_WITHIN_MS, late.signal).catch(() => undefined)
    await Promise.race([ground[Symbol.asyncDispose]().catch(() => undefined), limit])
    late.abort()
  }

  #tell({ name, sentence }: Step, mode: string, result: CheckResult, detail: string, ms: number): void {
    const { system } = this.#order
    const again = this.#told.has(name) && STEPS.some((step) => step.name === name)
    if (again && result === 'pass') return
    this.#told.add(name)
    this.#order.found({
      driver: system.entry.driver.name,
      replication: system.replication.name,
      mode,
      check: name,
      sentence,
      result,
      detail,
      ms,
    })
  }
}
