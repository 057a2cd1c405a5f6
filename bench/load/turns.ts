// Whose turn it is: a DC writes a key only when the row that it holds was last written by the DC before it, in the ring of DCs.
//
// Since a DC so writes only over the write of another that it has seen, no two writes of a key are concurrent. Reads and writes of
// a key never overlap here: one that is asked for, or under way, has had its turn. A write without an outcome keeps its key for good,
// for it may yet happen, behind a later one.
import type { RowVersions, Session } from '../contract/driver.ts'
import { inTime } from '../lib/in-time.ts'
import { dotDc, dotIncarnation, PHASE, phaseOf } from '../lib/dot.ts'

interface TurnPlan {
  readonly dcIndex: number
  readonly dcCount: number
  /** The DC that may write a row first that only the load has written. */
  readonly firstOf: (key: number) => number
  readonly timeoutMs: number
}

interface TakenTurns {
  /** By place: 1 where it is this DC's turn. These keys are under way until they are given back. */
  readonly isTurn: Uint8Array
  /** The highest version among the rows that are to be replaced. */
  readonly newestVersion: number
}

/** The turns of one writer. Reads are made one after another, through a session of their own. */
export class Turns {
  readonly #session: Session
  readonly #plan: TurnPlan
  readonly #underWay = new Set<number>()
  #reading: Promise<unknown> = Promise.resolve()

  constructor(session: Session, plan: TurnPlan) {
    this.#session = session
    this.#plan = plan
  }

  /** Reads the first `count` of `keys` and takes the turns that are this DC's. Rejects, with none taken, when they cannot be read in time. */
  async take(keys: Float64Array, count: number): Promise<TakenTurns> {
    const isTurn = new Uint8Array(count)
    const places: number[] = []
    for (let i = 0; i < count; i++) {
      if (this.#underWay.has(keys[i])) continue
      this.#underWay.add(keys[i])
      places.push(i)
    }
    try {
      let newestVersion = 0
      if (places.length > 0) {
        const found = await this.#read(Float64Array.from(places, (place) => keys[place]))
        for (const [i, place] of places.entries()) {
          if (this.#writesNext(keys[place], found.dots[i])) {
            isTurn[place] = 1
            newestVersion = Math.max(newestVersion, found.versions[i])
          } else {
            this.#underWay.delete(keys[place])
          }
        }
      }
      return { isTurn, newestVersion }
    } catch (error) {
      for (const place of places) this.#underWay.delete(keys[place])
      throw error
    }
  }

  /** The key's write has happened, or certainly not. */
  giveBack(key: number): void {
    this.#underWay.delete(key)
  }

  #writesNext(key: number, dot: number): boolean {
    const { dcIndex, dcCount, firstOf } = this.#plan
    const isLoaded = dot === 0 || phaseOf(dotIncarnation(dot)) === PHASE.load
    return isLoaded ? firstOf(key) === dcIndex : (dotDc(dot) + 1) % dcCount === dcIndex
  }

  #read(keys: Float64Array): Promise<RowVersions> {
    const late = () => new Error('no answer in time')
    const read = this.#reading.then(() => inTime(this.#session.read(keys), this.#plan.timeoutMs, late))
    this.#reading = read.catch(() => undefined)
    return read
  }
}
