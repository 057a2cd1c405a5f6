// The version vector of a row: by DC the latest dot on its key that this node has taken in, kept or beaten, directly or as the
// past of another. It stands at the end of the record, is joined with that of every row that arrives, and so tells a local
// write all that it has seen. A loaded row is in everybody's past and in nobody's vector.
import { recordDot, recordVectorAt } from './packed-rows.ts'

/** What local writes found, row by row; `seen` has one entry a row and DC. */
export interface Found {
  readonly overwrote: Float64Array
  readonly seen: Float64Array
}

export class RowVectors {
  readonly dcs: number
  readonly #dcIndex: number

  constructor(dcs: number, dcIndex: number) {
    this.dcs = dcs
    this.#dcIndex = dcIndex
  }

  found(count: number): Found {
    return { overwrote: new Float64Array(count), seen: new Float64Array(count * this.dcs) }
  }

  /** Notes what the local write at place `row` finds, and gives its record the vector that it has from then on. */
  writeOver(before: Buffer | null, record: Buffer, row: number, { overwrote, seen }: Found): void {
    const { dcs } = this
    if (before !== null) {
      overwrote[row] = recordDot(before)
      readVector(before, seen, row * dcs)
    }
    const at = recordVectorAt(record)
    for (let dc = 0; dc < dcs; dc++) record.writeDoubleLE(seen[row * dcs + dc], at + 8 * dc)
    const own = at + 8 * this.#dcIndex
    record.writeDoubleLE(Math.max(seen[row * dcs + this.#dcIndex], recordDot(record)), own)
  }
}

/** Copies the vector of a record into `into`, from `offset` on. */
export function readVector(record: Buffer, into: Float64Array, offset: number): void {
  for (let at = recordVectorAt(record), i = offset; at < record.length; at += 8) into[i++] = record.readDoubleLE(at)
}

/** Joins the vector of `other` into that of `record`, in its bytes. */
export function joinVector(record: Buffer, other: Buffer): void {
  let from = recordVectorAt(other)
  for (let at = recordVectorAt(record); at < record.length; at += 8, from += 8) {
    const dot = other.readDoubleLE(from)
    if (dot > record.readDoubleLE(at)) record.writeDoubleLE(dot, at)
  }
}

/** A copy of `kept` whose vector has seen `beaten` as well; undefined where it has already. */
export function joinedCopy(kept: Buffer, beaten: Buffer): Buffer | undefined {
  let from = recordVectorAt(beaten)
  for (let at = recordVectorAt(kept); at < kept.length; at += 8, from += 8) {
    if (beaten.readDoubleLE(from) <= kept.readDoubleLE(at)) continue
    const joined = Buffer.from(kept)
    joinVector(joined, beaten)
    return joined
  }
  return undefined
}
