// What happened when: the events of a run as they are written to events.csv, and the phases that its facts name.
import { join } from 'node:path'
import { EVENT_COLUMNS, RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import { nowUs } from '../lib/clock.ts'
import { atSeconds, CsvLog } from '../measure/csv-log.ts'

export class Journal {
  readonly epoch: RunFacts['epoch'] = {
    wallMs: Date.now(),
    monotonicUs: nowUs(),
    clock: 'CLOCK_MONOTONIC, one host',
  }
  readonly #phases: { name: string; startUs: number; endUs: number }[] = []
  readonly #log: CsvLog

  constructor(folder: string) {
    this.#log = new CsvLog(join(folder, RUN_FILES.events), EVENT_COLUMNS)
  }

  get phases(): RunFacts['phases'] {
    return this.#phases
  }

  /** Notes an event of now, or of `atUs` on the monotonic clock. */
  event(kind: string, name: string, detail = '', atUs = nowUs()): void {
    this.#log.row([atSeconds(atUs - this.epoch.monotonicUs), kind, name, detail])
  }

  /** Notes a phase by its times on the monotonic clock. */
  phase(name: string, startUs: number, endUs: number): void {
    const { monotonicUs } = this.epoch
    this.#phases.push({ name, startUs: startUs - monotonicUs, endUs: endUs - monotonicUs })
    this.event('phase', name, 'start', startUs)
    this.event('phase', name, 'end', endUs)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}
