// An exact account of what a memory node planted: how many rows each fault hit, and of which rows it still shows. Whether it shows
// is asked of the rows themselves, when somebody wants to know: a later row that made it good is then there.
import { PHASE, dotIncarnation, phaseOf } from '../../bench/lib/dot.ts'
import { recordContent, recordDot } from '../replication/node/packed-rows.ts'
import type { NodePlanted } from '../replication/node/planted.ts'
import type { MemoryEngine } from './memory-engine.ts'
import { FINDINGS, type Finding } from './planted-findings.ts'
import type { MemorySettings } from './settings.ts'

/** Marks by key, or by dot. */
type Marks = Map<number, number>

const raise = (marks: Marks, key: number, version: number): void => {
  if (version > (marks.get(key) ?? 0)) marks.set(key, version)
}

export class PlantedAccount {
  readonly #settings: MemorySettings
  readonly #engine: MemoryEngine
  readonly #rows = {
    lose: 0,
    lose_everywhere: 0,
    lose_at_crash: 0,
    unknown: 0,
    duplicate: 0,
    reorder: 0,
    swap: 0,
    mix: 0,
    resurrect: 0,
  }
  #regressed = 0
  /** Key → dot of the row that is here and nowhere else. */
  readonly #lost: Marks = new Map()
  /** Key → version of a row that should be here, or one above it. */
  readonly #lostEverywhere: Marks = new Map()
  readonly #lostAtCrash: Marks = new Map()
  readonly #swapped: Marks = new Map()
  readonly #regressedTo: Marks = new Map()
  /** Key → dot of the row that is here with content of another. */
  readonly #mixed: Marks = new Map()
  /** Key → version of the tombstone that should be here. */
  readonly #resurrected: Marks = new Map()
  /** Key → dot last left out of the file. */
  readonly #forgotten: Marks = new Map()
  readonly #overtaken = new Set<number>()
  readonly #unknown = new Set<number>()
  readonly #unknownStored = new Set<number>()

  constructor(settings: MemorySettings, engine: MemoryEngine) {
    this.#settings = settings
    this.#engine = engine
  }

  lost(key: number, dot: number): void {
    this.#rows.lose++
    this.#lost.set(key, dot)
  }

  /** What is beaten by what is there would have been lost all the same. */
  lostEverywhere(key: number, version: number, known: number): void {
    this.#rows.lose_everywhere++
    if (version > known) raise(this.#lostEverywhere, key, version)
  }

  forgotten(key: number, dot: number, version: number, lost: boolean): void {
    // A row is put again where it learns of another that it has beaten.
    if (this.#forgotten.get(key) !== dot) this.#rows.lose_at_crash++
    this.#forgotten.set(key, dot)
    if (lost) raise(this.#lostAtCrash, key, version)
  }

  unknown(dot: number, stored: boolean): void {
    this.#rows.unknown++
    // The metric counts the measured phase.
    if (phaseOf(dotIncarnation(dot)) === PHASE.measure) this.#unknown.add(dot)
    if (stored) this.#unknownStored.add(dot)
  }

  duplicated(): void {
    this.#rows.duplicate++
  }

  regressed(key: number, version: number): void {
    this.#regressed++
    raise(this.#regressedTo, key, version)
  }

  heldBack(): void {
    this.#rows.reorder++
  }

  overtaken(dot: number): void {
    this.#overtaken.add(dot)
  }

  swapped(key: number, version: number): void {
    this.#rows.swap++
    raise(this.#swapped, key, version)
  }

  mixed(key: number, dot: number): void {
    this.#rows.mix++
    this.#mixed.set(key, dot)
  }

  resurrected(key: number, version: number): void {
    this.#rows.resurrect++
    raise(this.#resurrected, key, version)
  }

  counts(): Readonly<Record<string, number>> {
    const rows = Object.entries(this.#rows).map(([name, count]) => [`planted_${name}_rows`, count])
    return {
      ...Object.fromEntries(rows),
      planted_unknown_stored_rows: this.#unknownStored.size,
      planted_regressed_rows: this.#regressed,
    }
  }

  planted(): readonly NodePlanted[] {
    const below = (marks: Marks) => this.#keysOf(marks, (key, version) => this.#engine.known(key) < version)
    const isThere = (key: number, dot: number) => {
      const record = this.#engine.record(key)
      return record !== null && recordDot(record) === dot
    }
    const hasContent = (key: number) => {
      const record = this.#engine.record(key)
      return record !== null && recordContent(record).length > 0
    }
    const settings = this.#settings
    const all: readonly (readonly [share: number, finding: Finding, rows: number, standing: () => number[]])[] = [
      [settings.lose, 'lose', this.#rows.lose, () => this.#keysOf(this.#lost, isThere)],
      [settings.loseEverywhere, 'lose_everywhere', this.#rows.lose_everywhere, () => below(this.#lostEverywhere)],
      [settings.loseAtCrash, 'lose_at_crash', this.#rows.lose_at_crash, () => below(this.#lostAtCrash)],
      [settings.duplicate, 'duplicate', this.#rows.duplicate, () => below(this.#regressedTo)],
      [settings.reorder, 'reorder', this.#rows.reorder, () => [...this.#overtaken]],
      [settings.swap, 'swap', this.#rows.swap, () => below(this.#swapped)],
      [settings.mix, 'mix', this.#rows.mix, () => this.#keysOf(this.#mixed, isThere)],
      [settings.resurrect, 'resurrect', this.#rows.resurrect, () => below(this.#resurrected).filter(hasContent)],
      [settings.unknown, 'unknown', this.#rows.unknown, () => [...this.#unknown]],
      [settings.unknown, 'unknown_present', this.#unknownStored.size, () => [...this.#unknownStored]],
    ]
    return all
      .filter(([share]) => share > 0)
      .map(([, finding, rows, standing]) => ({ ...FINDINGS[finding], rows, standing: standing() }))
  }

  #keysOf(marks: Marks, shows: (key: number, mark: number) => boolean): number[] {
    return [...marks].filter(([key, mark]) => shows(key, mark)).map(([key]) => key)
  }
}
