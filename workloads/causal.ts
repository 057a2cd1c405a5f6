// Writes that are never concurrent: the DCs take turns on every row, each over the write of the one before it that it has seen.
import { OPERATION, type Table } from '../bench/contract/table.ts'
import type { OperationStream, StreamPlan, Workload, WorkloadOptions } from '../bench/contract/workload.ts'

/** Calibration, warm-up and measurement: each walks rows of its own, which only the load has written before. */
const WRITING_PHASES = 3

/** How many rows one phase walks round. */
function ringRows(rows: number): number {
  return Math.max(1, Math.floor(rows / WRITING_PHASES))
}

/** Where in the ring a DC sets out: each a part of it behind the DC before it. */
function startOf(dcIndex: number, dcCount: number, ring: number): number {
  return Math.ceil((((dcCount - dcIndex) % dcCount) * ring) / dcCount)
}

export const causal: Workload = {
  name: 'causal',
  summary: 'upserts in turns: a DC writes a row only after it has seen the other DC’s write, so that nothing conflicts',
  meaning:
    'A table of documents that the DCs hand round. A DC writes a row only when it holds the write of the DC before it in the ring of ' +
    'DCs; it reads the rows of a batch at home first, and leaves out those whose turn has not come (declined rows, counted apart). No ' +
    'two writes of a row are concurrent, so that a system in which conflicts are found under this workload, or a harness that finds ' +
    'them, is wrong. Every DC walks the rows in order, DC d setting out d/N of a round behind the first, so that a row comes to each DC ' +
    'in turn, a round/N apart: at --rate=auto and the default rows that is long after the write has arrived. Where a round/N takes less ' +
    'than the lag (rows ÷ 3 ÷ rate), rows are declined instead of written, and the bounds of the conflict share may lie above 0, since ' +
    'probes alone then no longer tell the order. Calibration, warm-up and measurement walk a third of the rows each.',
  optionMeanings: {
    rows: 'documents, each with one row; a third of them is written in the measured phase',
    overlap: 'every DC writes every row, in turn: it changes nothing here',
    skew: 'all rows are written equally often: it changes nothing here',
    distribution: 'rows are written in order: it changes nothing here',
    deletes: 'nothing is deleted',
  },
  appends: false,
  takesTurns: (key, { rows }, dcCount) => {
    const ring = ringRows(rows)
    const place = Math.floor(key / WRITING_PHASES)
    let first = 0
    // The DC that set out last before the place comes first: starts lie the lower the later the DC, but for DC 0 at 0.
    for (let dc = 1; dc < dcCount; dc++) {
      const start = startOf(dc, dcCount, ring)
      if (start <= place && (first === 0 || start > startOf(first, dcCount, ring))) first = dc
    }
    return first
  },
  defaults: { rows: 300_000, overlap: 1, skew: 0, distribution: 'sequential', deletes: 0 },

  table(options: WorkloadOptions): Table {
    return {
      name: 'documents',
      rows: options.rows,
      columns: [
        { name: 'title', type: 'text', minBytes: 10, maxBytes: 30 },
        { name: 'body', type: 'text', minBytes: 60, maxBytes: 180 },
        { name: 'words', type: 'int', min: 0, max: 1_000_000 },
      ],
    }
  },

  stream(plan: StreamPlan): OperationStream {
    const { options, dcIndex, dcCount, phase } = plan
    const ring = ringRows(options.rows)
    const part = options.rows < WRITING_PHASES ? 0 : (phase + WRITING_PHASES - 1) % WRITING_PHASES
    let place = startOf(dcIndex, dcCount, ring) % ring
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          keys[i] = place * WRITING_PHASES + part
          operations[i] = OPERATION.upsert
          place = (place + 1) % ring
        }
      },
    }
  },
}
