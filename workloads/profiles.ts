// User profiles, upserted: each user has a home region, and travelling users are written from the other regions too.
import { OPERATION, type Table } from '../bench/contract/table.ts'
import type { OperationStream, StreamPlan, Workload, WorkloadOptions } from '../bench/contract/workload.ts'
import { randomStream } from '../bench/lib/random.ts'
import { homeKeys } from './home-keys.ts'

const DELETE_SALT = 0x44454c45

export const profiles: Workload = {
  name: 'profiles',
  summary: 'upserts of user rows of about 200 bytes: home region by user, travelling users, zipfian activity',
  meaning:
    'A table of users. Every write replaces one user’s row as a whole. A user belongs to one home DC, which writes the row; ' +
    'the share --overlap of the users travels, and their rows are written in every DC. Activity is zipfian with exponent --skew, ' +
    'the busiest users scattered over the table.',
  optionMeanings: {
    rows: 'users, each with one row',
    overlap: 'share of the users that travel: every DC writes their rows, which is where conflicts come from',
    skew: 'zipfian exponent of the users’ activity, and so of the keys’',
    distribution:
      'law of the users’ activity; zipfian and hotspot users are scattered over the table, latest and sequential ones are not',
    deletes: 'share of the writes that delete the user’s row instead, drawn apart from the key',
  },
  appends: false,
  canDelete: true,
  defaults: { rows: 1_000_000, overlap: 0.1, skew: 0.99, distribution: 'zipfian', deletes: 0 },

  table(options: WorkloadOptions): Table {
    return {
      name: 'profiles',
      rows: options.rows,
      columns: [
        { name: 'name', type: 'text', minBytes: 10, maxBytes: 24 },
        { name: 'email', type: 'text', minBytes: 16, maxBytes: 36 },
        { name: 'city', type: 'text', minBytes: 6, maxBytes: 18 },
        { name: 'bio', type: 'text', minBytes: 90, maxBytes: 158 },
        { name: 'visits', type: 'int', min: 0, max: 1_000_000 },
        { name: 'settings', type: 'int', min: 0, max: 65_535 },
      ],
    }
  },

  stream(plan: StreamPlan): OperationStream {
    const nextKey = homeKeys(plan)
    const { options, seed, dcIndex, phase } = plan
    const random = randomStream(seed ^ DELETE_SALT, dcIndex, phase)
    const deletedBelow = options.deletes * 2 ** 32
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          keys[i] = nextKey()
          operations[i] = deletedBelow > 0 && random.uint32() < deletedBelow ? OPERATION.delete : OPERATION.upsert
        }
      },
    }
  },
}
