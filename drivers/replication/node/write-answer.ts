// What a node answers to a write beside that it is done: nothing as a rule, else what only the node can know of its rows.
//
//   answer = empty, or float64: raised · unknown · dcs · places and versions of raised rows · places of unknown rows ·
//            where dcs > 0: overwrote[count] · seen[count × dcs]
import { OUTCOME, type WriteResult } from '../../../bench/contract/outcome.ts'
import { MalformedFrame } from './frame.ts'
import { decodeIdentities, encodeNumbers } from './message.ts'

/** Rows are named by their places in the batch, each list in ascending order. */
export interface WriteAnswer {
  /** Rows whose version was raised above what was stored, and the versions stored. */
  readonly raised?: { readonly rows: readonly number[]; readonly versions: readonly number[] } | undefined
  /** Rows of which the client is told nothing. */
  readonly unknown?: readonly number[] | undefined
  /** Of every row, what it found: the dot that it replaced and the vector that was there, DC by DC. */
  readonly found?: { readonly overwrote: Float64Array; readonly seen: Float64Array } | undefined
}

const HEAD_NUMBERS = 3
const OK: WriteResult = { outcome: OUTCOME.ok }

export function encodeWriteAnswer({ raised, unknown, found }: WriteAnswer): Buffer {
  if (raised === undefined && unknown === undefined && found === undefined) return Buffer.alloc(0)
  const dcs = found === undefined || found.overwrote.length === 0 ? 0 : found.seen.length / found.overwrote.length
  const head = encodeNumbers([raised?.rows.length ?? 0, unknown?.length ?? 0, dcs])
  const parts = [raised?.rows, raised?.versions, unknown, found?.overwrote, found?.seen]
  return Buffer.concat([head, ...parts.map((part) => encodeNumbers(part ?? []))])
}

/** What the answer says of a batch of `count` rows with vectors of `vectorDcs` DCs (0: none); throws MalformedFrame where it is none. */
export function decodeWriteAnswer(body: Buffer, count: number, vectorDcs: number): WriteResult {
  if (body.length === 0 && (vectorDcs === 0 || count === 0)) return OK
  const numbers = decodeIdentities(body)
  if (numbers.length < HEAD_NUMBERS) throw new MalformedFrame('an answer to a write without its sizes')
  const [raised, unknown, dcs] = numbers
  if (count > 0 && dcs !== vectorDcs) throw new MalformedFrame(`vectors of ${dcs} DCs where ${vectorDcs} were expected`)
  const length = HEAD_NUMBERS + 2 * raised + unknown + (dcs > 0 ? (1 + dcs) * count : 0)
  if (numbers.length !== length) throw new MalformedFrame(`${body.length} bytes are no answer to ${count} rows`)
  let at = HEAD_NUMBERS
  const take = (some: number) => numbers.subarray(at, (at += some))
  const places = (some: number) => {
    const rows = take(some)
    for (const row of rows) {
      if (row >= count) throw new MalformedFrame(`there is no row ${row}`)
    }
    return rows
  }
  const raisedRows = places(raised)
  const versions = take(raised)
  const unknownRows = places(unknown)
  return {
    outcome: OUTCOME.ok,
    ...(raised > 0 && { storedVersions: spread(raisedRows, versions, count) }),
    ...(unknown > 0 && { rowOutcomes: outcomesOf(unknownRows, count), error: 'not-answered' }),
    ...(dcs > 0 && { overwrote: take(count), seen: take(dcs * count) }),
  }
}

function spread(rows: Float64Array, values: Float64Array, count: number): Float64Array {
  const all = new Float64Array(count)
  rows.forEach((row, i) => (all[row] = values[i]))
  return all
}

function outcomesOf(unknown: Float64Array, count: number): Uint8Array {
  const outcomes = new Uint8Array(count).fill(OUTCOME.ok)
  for (const row of unknown) outcomes[row] = OUTCOME.info
  return outcomes
}
