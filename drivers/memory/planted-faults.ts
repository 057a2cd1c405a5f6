// What a memory node does wrong when it is told to. Which rows are hit is a pure function of (seed, dot), so that a test can say
// beforehand what the harness must find.
import type { Column } from '../../bench/contract/table.ts'
import { LOADED_VERSION, dotDc } from '../../bench/lib/dot.ts'
import { hashNumber } from '../../bench/lib/random.ts'
import { type Arrival, type Disturbance, FATE, type Fate } from '../replication/node/disturbance.ts'
import { recordContent, recordDot, recordVersion } from '../replication/node/packed-rows.ts'
import type { NodePlanted } from '../replication/node/planted.ts'
import { drawDelayMs, isNoDelay } from './delay-law.ts'
import { HeldBack } from './held-back.ts'
import type { Forgetting, MemoryEngine } from './memory-engine.ts'
import { mixedRecord } from './mixed-row.ts'
import { PlantedAccount } from './planted-account.ts'
import type { MemorySettings } from './settings.ts'

/** A row comes again this long after it has come: late enough for a newer one to have come in between. */
const ECHO_DELAY_MS = 50

/** Each fault hits rows of its own, independently of the others. */
const SALT = {
  lose: 0x6c6f7365,
  loseEverywhere: 0x67306e65,
  loseAtCrash: 0x63726173,
  unknown: 0x756e6b6e,
  unknownLost: 0x756e6b6c,
  duplicate: 0x6475706c,
  reorder: 0x72656f72,
  swap: 0x73776170,
  mix: 0x6d697865,
  resurrect: 0x72657375,
} as const

/** Salts of the draws from a delay's distribution. */
export const DELAY_SALT = { delay: 0x64656c61, slowAck: 0x736c6f77 } as const

/** Whether the row write `dot` is among the `share` of rows that a fault hits. */
export function isHit(fault: keyof typeof SALT, share: number, seed: number, dot: number): boolean {
  return share > 0 && hashNumber(dot, (seed ^ SALT[fault]) | 0) / 2 ** 32 < share
}

export class PlantedFaults implements Disturbance, Forgetting {
  readonly applyDelayMs?: (dot: number) => number
  readonly acknowledgeDelayMs?: (dot: number) => number
  readonly echoDelayMs = ECHO_DELAY_MS
  readonly holdBackMs: number
  readonly #settings: MemorySettings
  readonly #seed: number
  readonly #dcIndex: number
  readonly #columns: readonly Column[]
  readonly #engine: MemoryEngine
  readonly #account: PlantedAccount
  readonly #held: HeldBack

  constructor(
    settings: MemorySettings,
    of: { readonly seed: number; readonly dcIndex: number; readonly columns: readonly Column[] },
    engine: MemoryEngine,
  ) {
    const { delay, slowAck } = settings
    if (!isNoDelay(delay)) this.applyDelayMs = (dot) => drawDelayMs(delay, DELAY_SALT.delay, of.seed, dot)
    if (!isNoDelay(slowAck)) this.acknowledgeDelayMs = (dot) => drawDelayMs(slowAck, DELAY_SALT.slowAck, of.seed, dot)
    this.holdBackMs = settings.reorderByMs
    this.#settings = settings
    this.#seed = of.seed
    this.#dcIndex = of.dcIndex
    this.#columns = of.columns
    this.#engine = engine
    this.#account = new PlantedAccount(settings, engine)
    this.#held = new HeldBack((dot) => this.#account.overtaken(dot))
  }

  fate(key: number, dot: number, version: number, known: number): Fate {
    const account = this.#account
    const fate = this.#fateOf(dot)
    if (fate === FATE.unstored) account.lostEverywhere(key, version, known)
    else if (fate === FATE.unshipped) account.lost(key, dot)
    else if (fate === FATE.vanished || fate === FATE.unanswered) account.unknown(dot, fate === FATE.unanswered)
    return fate
  }

  arrival(key: number, record: Buffer, known: number): Arrival | undefined {
    const dot = recordDot(record)
    const version = recordVersion(record)
    // A row that is sent again after a broken connection was wronged when it came first.
    if (version === known) return undefined
    const { reorder, mix, swap, duplicate, resurrect } = this.#settings
    const hit = (fault: keyof typeof SALT, share: number) => isHit(fault, share, this.#seed, dot)
    if (hit('reorder', reorder)) {
      this.#account.heldBack()
      this.#held.hold(dotDc(dot), dot, key, version)
      return { late: true }
    }
    if (reorder > 0) this.#held.passes(dotDc(dot), key, version)
    if (hit('swap', swap)) return this.#swapped(key, record, known)
    if (hit('mix', mix)) return this.#mixed(key, record, known)
    if (hit('resurrect', resurrect)) return this.#resurrected(key, record, known)
    if (hit('duplicate', duplicate)) return this.#duplicated(key, record)
    return undefined
  }

  heldBackEnds(record: Buffer): void {
    const dot = recordDot(record)
    this.#held.release(dotDc(dot), dot)
  }

  forgets(dot: number): boolean {
    const { loseAtCrash } = this.#settings
    // A loaded row comes without its dot.
    if (loseAtCrash === 0 || dot === 0 || dotDc(dot) !== this.#dcIndex) return false
    return isHit('loseAtCrash', loseAtCrash, this.#seed, dot) && this.#fateOf(dot) === FATE.kept
  }

  forgotten(key: number, dot: number, version: number, lost: boolean): void {
    this.#account.forgotten(key, dot, version, lost)
  }

  counts(): Readonly<Record<string, number>> {
    return this.#account.counts()
  }

  planted(): readonly NodePlanted[] {
    return this.#account.planted()
  }

  #fateOf(dot: number): Fate {
    const { loseEverywhere, lose, unknown, unknownLost } = this.#settings
    if (isHit('loseEverywhere', loseEverywhere, this.#seed, dot)) return FATE.unstored
    if (isHit('lose', lose, this.#seed, dot)) return FATE.unshipped
    if (!isHit('unknown', unknown, this.#seed, dot)) return FATE.kept
    return isHit('unknownLost', unknownLost, this.#seed, dot) ? FATE.vanished : FATE.unanswered
  }

  /** A row that arrives after a local one with a higher version has not been seen by it, nor the other way round. */
  #swapped(key: number, record: Buffer, known: number): Arrival | undefined {
    const local = this.#engine.record(key)
    const beats = recordVersion(record) < known && local !== null && dotDc(recordDot(local)) === this.#dcIndex
    // In the place of a tombstone it would be a resurrected row.
    if (!beats || recordContent(local).length === 0) return undefined
    this.#account.swapped(key, known)
    return { instead: record }
  }

  #mixed(key: number, record: Buffer, known: number): Arrival | undefined {
    const local = this.#engine.record(key)
    if (recordVersion(record) < known || local === null || dotDc(recordDot(local)) !== this.#dcIndex) return undefined
    // Loaded rows count as nobody's.
    if (known <= LOADED_VERSION) return undefined
    const instead = mixedRecord(record, local, this.#columns, hashNumber(recordDot(record), this.#seed))
    if (instead === undefined) return undefined
    this.#account.mixed(key, recordDot(record))
    return { instead }
  }

  #resurrected(key: number, record: Buffer, known: number): Arrival | undefined {
    const before = this.#engine.record(key)
    const deletes = recordVersion(record) > known && recordContent(record).length === 0
    if (!deletes || before === null || recordContent(before).length === 0) return undefined
    return {
      echo: () => {
        // Where a newer row is there by then, nothing is left to resurrect.
        if (this.#engine.known(key) !== recordVersion(record)) return undefined
        this.#account.resurrected(key, recordVersion(record))
        return before
      },
    }
  }

  #duplicated(key: number, record: Buffer): Arrival {
    this.#account.duplicated()
    return {
      echo: () => {
        const known = this.#engine.known(key)
        if (known > recordVersion(record)) this.#account.regressed(key, known)
        return record
      },
    }
  }
}
