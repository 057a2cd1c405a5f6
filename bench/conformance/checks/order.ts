// Whether writes become visible elsewhere in the order in which they were acknowledged.
import type { Session } from '../../contract/driver.ts'
import { OPERATION } from '../../contract/table.ts'
import { expect, Skipped, unreadable, type Check } from '../check.ts'

const WRITES = 300
/** A store that pays round trips for each write does fewer in this time. */
const WRITES_WITHIN_MS = 20_000
/** Where no order is declared, what is found is only told. */
const TOLD_WITHIN_MS = 5000
const ARRIVES_WITHIN_MS = 15_000

interface Written {
  readonly dots: readonly number[]
  /** How many of them will have been written; undefined while the writer goes on. */
  readonly count: () => number | undefined
  readonly isOver: () => boolean
}

/** Whether anything is shown after the reads of it began while something written before it, looked for later, is not. */
async function watchOrder(reader: Session, { dots, count, isOver }: Written, keys: Float64Array) {
  let shownTo = -1
  let reads = 0
  let outOfOrder = 0
  let missing = -1
  while (shownTo + 1 !== count() && !isOver()) {
    const read = await reader.read(keys)
    reads++
    // What an earlier read has shown, this one, sent after it, must show with everything before it.
    const gap = dots.findIndex((dot, i) => i <= shownTo && read.dots[i] !== dot)
    if (gap >= 0) {
      outOfOrder++
      missing = gap
    }
    const last = dots.findLastIndex((dot, i) => read.dots[i] === dot)
    shownTo = Math.max(shownTo, last)
  }
  return { shownTo, reads, outOfOrder, missing }
}

export const ordered: Check = {
  name: 'ordered',
  sentence: 'where order is declared, no write is visible elsewhere while one acknowledged before it is not',
  level: 'mode',
  limitMs: 60_000,
  skip: unreadable,
  async run({ ground, mode, system, signal }) {
    const declared = system.replication.capabilities.ordered
    // Two sessions in turn: the order is that of the DC, not of a connection.
    const sessions = await Promise.all([0, 1].map((writer) => ground.session(0, mode.name, { writer })))
    const reader = await ground.reader(1)
    const keys = ground.keys(WRITES, 'new')
    const rows = keys.map((key) => ground.row(0, key, { operation: OPERATION.insert }))
    const lastMs = performance.now() + (declared ? WRITES_WITHIN_MS : TOLD_WITHIN_MS)
    const state: { written: number | undefined; endMs: number } = {
      written: undefined,
      endMs: Number.POSITIVE_INFINITY,
    }
    const writing = (async () => {
      let written = 0
      try {
        while (written < rows.length && performance.now() < lastMs) {
          await ground.mustStore(sessions[written % 2], [rows[written]])
          written++
        }
      } finally {
        state.endMs = performance.now() + ARRIVES_WITHIN_MS
        state.written = written
      }
    })()
    writing.catch(() => undefined)
    const seen = await watchOrder(
      reader,
      {
        dots: rows.map(({ dot }) => dot),
        count: () => state.written,
        isOver: () => performance.now() > state.endMs || signal.aborted,
      },
      Float64Array.from(keys),
    )
    await writing
    signal.throwIfAborted()
    const { shownTo, reads, outOfOrder, missing } = seen
    const written = state.written ?? 0
    expect(
      shownTo === written - 1,
      () => `Of ${written} writes ${written - 1 - shownTo} never became visible in ${ground.dcNames[1]}.`,
    )
    const told = `${outOfOrder} of ${reads} reads of ${written} writes out of order`
    if (!declared) throw new Skipped(`it declares no order; found: ${told}`)
    expect(
      outOfOrder === 0,
      () =>
        `A write was visible in ${ground.dcNames[1]} while write ${missing + 1} of ${written}, acknowledged before it, was not (${told}), and order is declared.`,
    )
    return told
  },
}
