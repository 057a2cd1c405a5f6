// Breaks what a scenario asks for while the measured phase runs, and says afterwards what happened when.
import type { FaultFacts } from '../contract/fault.ts'
import { Nemesis } from '../faults/nemesis.ts'
import type { OpenedRun } from './open.ts'

/** Times of what it resolves with are µs since the run's epoch. `note` is told what begins and ends. */
export async function breakMeanwhile(
  { faults, house, journal }: OpenedRun,
  phaseStartUs: number,
  note: (sentence: string) => void,
  signal: AbortSignal,
): Promise<readonly FaultFacts[]> {
  const { monotonicUs } = journal.epoch
  const listener = (fault: string, what: string, atUs: number) => {
    journal.event('fault', fault, what, atUs)
    note(`${fault}: ${what}`)
  }
  const happened = await new Nemesis(faults, house.faultGround(), listener).run(phaseStartUs, signal)
  return happened.map((fault) => ({
    ...fault,
    startUs: fault.startUs - monotonicUs,
    mendUs: fault.mendUs - monotonicUs,
    endUs: fault.endUs - monotonicUs,
  }))
}
