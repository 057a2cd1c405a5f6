import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hintsLeft } from './backlog.ts'
import { identityOf } from './names.ts'

const DC = { name: 'eu-west', index: 1 }
const name = (metric: string) => `org.apache.cassandra.metrics:name=${metric},type=HintsService`

test('hints for a DC are those written for its servers less those that arrived there', () => {
  const [first, second] = [0, 1].map((copy) => identityOf({ dc: DC, copy }))
  const other = identityOf({ dc: { name: 'ap-south', index: 10 }, copy: 0 })
  const mbeans = {
    [name(`Hints_created-${first}/${first}.7000`)]: { Count: 300 },
    [name(`Hints_created-/${second}.7001`)]: { Count: 20 },
    [name(`Hints_created-/${other}.7002`)]: { Count: 7 },
    [name(`Hint_delays-/${first}.7000`)]: { Count: 250 },
    [name('Hint_delays')]: { Count: 250 },
    [name('HintsSucceeded')]: { Count: 250 },
  }
  assert.equal(hintsLeft(mbeans, DC, 1), 50)
  assert.equal(hintsLeft(mbeans, DC, 2), 70)
  assert.equal(hintsLeft(mbeans, { name: 'us-east', index: 0 }, 2), 0)
})

test('hints of an earlier life of a server that it hands over now do not make the backlog negative', () => {
  const first = identityOf({ dc: DC, copy: 0 })
  assert.equal(hintsLeft({ [name(`Hint_delays-/${first}.7000`)]: { Count: 5 } }, DC, 1), 0)
})
