// A workload from outside: readings of sensors. Each sensor has one row with its latest reading, written by the DC nearest to it;
// a few that move are written by all DCs.
import { OPERATION, type Workload } from 'geowrite/contract'
import { homeKeys } from 'geowrite/workload-kit'

export const sensors: Workload = {
  name: 'sensors',
  summary: 'an example: the latest reading of each sensor, upserted',
  meaning: 'A table with a row for each sensor; every operation replaces it by a newer reading.',
  optionMeanings: {
    rows: 'sensors',
    overlap: 'share of the sensors that move, whose rows every DC writes',
    skew: 'zipfian exponent of how often sensors report',
    distribution: 'law of how often sensors report',
    deletes: 'nothing is deleted',
  },
  appends: false,
  defaults: { rows: 100_000, overlap: 0.05, skew: 0.5, distribution: 'zipfian', deletes: 0 },
  table: ({ rows }) => ({
    name: 'sensors',
    rows,
    columns: [
      { name: 'place', type: 'text', minBytes: 8, maxBytes: 20 },
      { name: 'reading', type: 'int', min: -40_000, max: 125_000 },
    ],
  }),
  stream(plan) {
    const nextKey = homeKeys(plan)
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          keys[i] = nextKey()
          operations[i] = OPERATION.upsert
        }
      },
    }
  },
}
