// Opens what a run left behind: its facts and the places of its ledger parts.
import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { BenchError } from '../contract/errors.ts'
import { countsFile, finalFile, probesFile, RUN_FILES, type RunFacts } from '../contract/run-folder.ts'
import { readFacts } from './stored-run.ts'

/** One `writes-<dc>-<worker>.bin` or `causes-<dc>-<worker>.bin`. */
interface WorkerFile {
  readonly dcIndex: number
  readonly path: string
}

/** A run folder opened for analysis. Times are µs since the run's epoch. */
export interface RunData {
  readonly folder: string
  readonly name: string
  readonly stored: RunFacts
  /** DC names in the order of the topology; everywhere else a DC is its place here. */
  readonly dcs: readonly string[]
  readonly measure: { readonly startUs: number; readonly endUs: number; readonly seconds: number }
  readonly writes: readonly WorkerFile[]
  /** None where causality was not exact. */
  readonly causes: readonly WorkerFile[]
  /** By DC; null where there is no such file. */
  readonly probes: readonly (string | null)[]
  readonly finals: readonly (string | null)[]
  readonly counts: readonly (string | null)[]
  /** Ledger parts that end in a torn block, found while they are read. */
  readonly torn: Set<string>
}

/** Opens a run folder. Throws RUN_FOLDER when it is none. */
export function openRun(folder: string): RunData {
  const stored = readFacts(join(folder, RUN_FILES.run))
  const dcs = stored.scenario.topology.dcs.map((dc) => dc.name)
  const measured = stored.phases.find((phase) => phase.name === 'measure')
  if (measured === undefined || measured.endUs <= measured.startUs) {
    throw new BenchError(
      'RUN_FOLDER',
      `${folder} holds no measured phase: the run ended before it measured anything, so there is nothing to report.`,
    )
  }
  const ledger = join(folder, RUN_FILES.ledger)
  const there = (name: string): string | null => (existsSync(join(ledger, name)) ? join(ledger, name) : null)
  return {
    folder,
    name: basename(resolve(folder)),
    stored,
    dcs,
    measure: {
      startUs: measured.startUs,
      endUs: measured.endUs,
      seconds: (measured.endUs - measured.startUs) / 1e6,
    },
    writes: findParts(ledger, dcs, 'writes'),
    causes: findParts(ledger, dcs, 'causes'),
    probes: dcs.map((dc) => there(probesFile(dc))),
    finals: dcs.map((dc) => there(finalFile(dc))),
    counts: dcs.map((dc) => there(countsFile(dc))),
    torn: new Set(),
  }
}

/** The parts in a stable order: by DC, then by worker. */
function findParts(ledger: string, dcs: readonly string[], kind: 'writes' | 'causes'): WorkerFile[] {
  const names = existsSync(ledger) ? readdirSync(ledger) : []
  return dcs.flatMap((dc, dcIndex) => {
    const prefix = `${kind}-${dc}-`
    return names
      .filter((name) => name.startsWith(prefix) && /^\d+\.bin$/.test(name.slice(prefix.length)))
      .map((name) => ({ name, worker: Number.parseInt(name.slice(prefix.length), 10) }))
      .sort((a, b) => a.worker - b.worker)
      .map(({ name }) => ({ dcIndex, path: join(ledger, name) }))
  })
}
