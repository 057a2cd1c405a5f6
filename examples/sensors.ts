// A workload from outside: readings of sensors. Each sensor has one row with its latest reading, written by the DC nearest to it;
// a few that move are written by all DCs. Now and then a sensor is taken out of service: its row is deleted.
import { OPERATION, type Workload } from 'geowrite/contract'
import { homeKeys, randomStream } from 'geowrite/workload-kit'

const RETIRED_SHARE = 0.01

export const sensors: Workload = {
  name: 'sensors',
  summary: 'an example: the latest reading of each sensor, upserted, 1 % deletes',
  meaning: 'A table with a row for each sensor. Most operations replace it by a newer reading, 1 % delete it.',
  optionMeanings: {
    rows: 'sensors',
    overlap: 'share of the sensors that move, whose rows every DC writes',
    skew: 'zipfian exponent of how often sensors report',
    distribution: 'law of how often sensors report',
  },
  appends: false,
  defaults: { rows: 100_000, overlap: 0.05, skew: 0.5, distribution: 'zipfian' },
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
    // A path of its own: the numbers must not be those that the keys are drawn from.
    const random = randomStream(plan.seed, plan.dcIndex, plan.phase, 1)
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          keys[i] = nextKey()
          operations[i] = random.unit() < RETIRED_SHARE ? OPERATION.delete : OPERATION.upsert
        }
      },
    }
  },
}
