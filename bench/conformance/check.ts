// What a check of the conformance suite is, and how it says what it found.
import type { WriteMode } from '../contract/driver.ts'
import type { System } from '../systems.ts'
import type { Ground } from './ground.ts'

/** The driver does not do what the contract, or its own declaration, says: one sentence. */
export class Fault extends Error {}

/** The check says nothing of this system, and why. */
export class Skipped extends Error {}

/** Ends the check with a fault unless `held`. */
export function expect(held: boolean, sentence: () => string): asserts held {
  if (!held) throw new Fault(sentence())
}

export interface CheckContext {
  readonly ground: Ground
  readonly system: System
  readonly mode: WriteMode
  /** Aborted when the check's time is over or the suite is interrupted. */
  readonly signal: AbortSignal
}

export interface Check {
  /** Short and unique, for `--only` and for scripts. */
  readonly name: string
  /** What holds when it passes, in one sentence. */
  readonly sentence: string
  /**
   * How often it runs and on what: once a replication, or once for each mode of it; `exact` on a deployment of its own with
   * `--causality=exact`; `last` after all others, since it stops or kills services.
   */
  readonly level: 'replication' | 'mode' | 'exact' | 'last'
  /** A check that takes longer hangs. */
  readonly limitMs: number
  /** Why it says nothing of a system; undefined where it applies. */
  skip?(system: System, mode: WriteMode): string | undefined
  /** Resolves with what was measured, if there is more to say than that it passed. Throws Fault, Skipped, or what the driver threw. */
  run(context: CheckContext): Promise<string | undefined>
}

export type CheckResult = 'pass' | 'fail' | 'skip'

/** One check as it went; `mode` is empty where it is about the replication. */
export interface Finding {
  readonly driver: string
  readonly replication: string
  readonly mode: string
  readonly check: string
  readonly sentence: string
  readonly result: CheckResult
  /** What was measured, what is wrong, or why it was skipped. */
  readonly detail: string
  readonly ms: number
}

export const unreadable = ({ replication }: System): string | undefined =>
  replication.capabilities.readable ? undefined : 'it declares that its rows cannot be read'

export const unreadableOrAppends = (system: System, mode: WriteMode): string | undefined =>
  unreadable(system) ?? (mode.appendsOnly === true ? 'the mode only inserts rows that are not there' : undefined)

export const outcomeName = (outcome: number): string => ['pending', 'ok', 'fail', 'info'][outcome] ?? String(outcome)
