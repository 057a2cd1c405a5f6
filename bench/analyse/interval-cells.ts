// Every second × DC × phase × operation that has rows, counted as rows come. Few cells are counted in at a time, since a ledger
// is about in the order of time; the others lie packed, some in several pieces.
import { DurationCounts } from '../lib/duration-counts.ts'
import { PHASE } from '../lib/dot.ts'
import { addPacked, PackedDurations } from './packed-durations.ts'

/** Cells counted in at a time: about 50 KB each. */
const CELLS_OPEN = 64
const PHASES_MAX = 8
const OPERATIONS_MAX = 16
/** Seconds before the epoch that still have a cell of their own place: a schedule begins at most that early. */
const SECONDS_BEFORE = 3600
const CACHED = 64
const PIECE = ['index', 'offered', 'acked', 'failed', 'unknown', 'coalesced', 'declined', 'at'] as const

interface CellCounts {
  offered: number
  acked: number
  failed: number
  unknown: number
  coalesced: number
  declined: number
}

interface Cell extends CellCounts {
  index: number
  readonly response: DurationCounts
  readonly service: DurationCounts
  readonly wait: DurationCounts
}

/** What one thread counted: pieces of cells in rows of numbers as in PIECE, and the durations of each from byte `at` on. */
export interface PackedCells {
  readonly pieces: Float64Array
  readonly bytes: Uint8Array
}

/** Response and service times of one DC's measured phase. */
interface MeasuredTimes {
  readonly response: DurationCounts
  readonly service: DurationCounts
}

const COUNTS = PIECE.slice(1, -1) as readonly (keyof CellCounts)[]

function newCell(): Cell {
  return {
    index: -1,
    offered: 0,
    acked: 0,
    failed: 0,
    unknown: 0,
    coalesced: 0,
    declined: 0,
    response: new DurationCounts(),
    service: new DurationCounts(),
    wait: new DurationCounts(),
  }
}

function forget(cell: Cell): void {
  cell.index = -1
  for (const name of COUNTS) cell[name] = 0
  cell.response.reset()
  cell.service.reset()
  cell.wait.reset()
}

export class IntervalCells {
  readonly #dcCount: number
  readonly #open = new Map<number, Cell>()
  readonly #spare: Cell[] = []
  /** The cells last used, by the low bits of their index: rows come second after second. */
  readonly #recent: Cell[]
  readonly #none = newCell()
  readonly #pieces: number[] = []
  readonly #packed = new PackedDurations()
  readonly #measured: readonly MeasuredTimes[]

  constructor(dcCount: number) {
    this.#dcCount = dcCount
    this.#recent = new Array<Cell>(CACHED).fill(this.#none)
    this.#measured = Array.from({ length: dcCount }, () => ({
      response: new DurationCounts(),
      service: new DurationCounts(),
    }))
  }

  /** Packs what is open where it is too much. Cells got before no longer count. */
  makeRoom(): void {
    if (this.#open.size > CELLS_OPEN) this.#packAll()
  }

  /** The cell to count in. */
  at(second: number, dc: number, phase: number, operation: number): Cell {
    const index = (((second + SECONDS_BEFORE) * this.#dcCount + dc) * PHASES_MAX + phase) * OPERATIONS_MAX + operation
    const place = (index ^ (index >>> 7)) & (CACHED - 1)
    const recent = this.#recent[place]
    if (recent.index === index) return recent
    let cell = this.#open.get(index)
    if (cell === undefined) {
      cell = this.#spare.pop() ?? newCell()
      cell.index = index
      this.#open.set(index, cell)
    }
    this.#recent[place] = cell
    return cell
  }

  /** Packs what is left. */
  finish(): { readonly cells: PackedCells; readonly measured: readonly MeasuredTimes[] } {
    this.#packAll()
    const cells = { pieces: Float64Array.from(this.#pieces), bytes: this.#packed.bytes }
    return { cells, measured: this.#measured }
  }

  #packAll(): void {
    for (const cell of this.#open.values()) {
      this.#pieces.push(cell.index, ...COUNTS.map((name) => cell[name]), this.#packed.length)
      this.#packed.pack(cell.response)
      this.#packed.pack(cell.service)
      this.#packed.pack(cell.wait)
      const { dc, phase } = placeOf(cell.index, this.#dcCount)
      if (phase === PHASE.measure) {
        this.#measured[dc].response.add(cell.response)
        this.#measured[dc].service.add(cell.service)
      }
      forget(cell)
      this.#spare.push(cell)
    }
    this.#open.clear()
    this.#recent.fill(this.#none)
  }
}

function placeOf(index: number, dcCount: number) {
  const second = Math.floor(index / (PHASES_MAX * OPERATIONS_MAX) / dcCount)
  return {
    second: second - SECONDS_BEFORE,
    dc: Math.floor(index / (PHASES_MAX * OPERATIONS_MAX)) % dcCount,
    phase: Math.floor(index / OPERATIONS_MAX) % PHASES_MAX,
    operation: index % OPERATIONS_MAX,
  }
}

/** Every cell of what threads counted, put together, by second, DC, phase and operation; each is valid until the next is taken. */
export function* wholeCells(
  parts: readonly PackedCells[],
  dcCount: number,
): Generator<Readonly<Cell> & ReturnType<typeof placeOf>> {
  const { length: width } = PIECE
  const pieces = parts.flatMap(({ pieces: own, bytes }) =>
    Array.from({ length: own.length / width }, (_, i) => ({ numbers: own, at: i * width, bytes })),
  )
  const indexOf = ({ numbers, at }: (typeof pieces)[number]) => numbers[at]
  pieces.sort((a, b) => indexOf(a) - indexOf(b))
  const cell = newCell()
  for (let i = 0; i < pieces.length;) {
    forget(cell)
    cell.index = indexOf(pieces[i])
    for (; i < pieces.length && indexOf(pieces[i]) === cell.index; i++) {
      const { numbers, at, bytes } = pieces[i]
      for (const [c, name] of COUNTS.entries()) cell[name] += numbers[at + 1 + c]
      let from = numbers[at + width - 1]
      for (const counts of [cell.response, cell.service, cell.wait]) from = addPacked(bytes, from, counts)
    }
    yield { ...cell, ...placeOf(cell.index, dcCount) }
  }
}
