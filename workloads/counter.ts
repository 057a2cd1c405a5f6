// Counters, incremented: what each should hold is a sum that anyone can check, so that every update that was lost is missing in it.
import { OPERATION, type Table } from '../bench/contract/table.ts'
import type { OperationStream, StreamPlan, Workload, WorkloadOptions } from '../bench/contract/workload.ts'
import { homeKeys } from './home-keys.ts'

export const counter: Workload = {
  name: 'counter',
  summary: 'increments by one of small rows: updates that are lost are missing in a sum that anyone can check',
  meaning:
    'A table of counters. Every operation adds 1 to one counter where it is and replaces its note. A loaded row counts as the first ' +
    'increment, so that a counter which lost nothing ends at 1 + its acknowledged increments; under last-writer-wins each update that ' +
    'was lost is missing. A counter belongs to one home DC, which increments it; the share --overlap of them is incremented in every ' +
    'DC. Increments of one counter in one batch are added up and stored as one. Sums are 32-bit integers.',
  optionMeanings: {
    rows: 'counters, each with one row',
    overlap: 'share of the counters that every DC increments, which is where updates get lost; 0 loses none',
    skew: 'zipfian exponent of how often the counters are incremented',
    distribution:
      'law of how often the counters are incremented; zipfian and hotspot ones are scattered over the table',
    deletes: 'counters are only incremented: none is deleted',
  },
  appends: false,
  increments: true,
  defaults: { rows: 100_000, overlap: 0.1, skew: 0.99, distribution: 'zipfian', deletes: 0 },

  table(options: WorkloadOptions): Table {
    return {
      name: 'counters',
      rows: options.rows,
      columns: [
        { name: 'count', type: 'int', min: 1, max: 1, counter: true },
        { name: 'note', type: 'text', minBytes: 8, maxBytes: 24 },
      ],
    }
  },

  stream(plan: StreamPlan): OperationStream {
    const nextKey = homeKeys(plan)
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          keys[i] = nextKey()
          operations[i] = OPERATION.increment
        }
      },
    }
  },
}
