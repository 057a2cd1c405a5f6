import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ReadingRest } from './reading-rest.ts'

const SMALL = 200
const LARGE = 65_536

/** Gives it pieces by their distances in µs and says whether it rests then. */
function reader(t: TestContext): {
  readonly changes: () => number
  readonly rest: ReadingRest
  readonly pieces: (count: number, everyUs: number, bytes?: number) => boolean
} {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let changes = 0
  let atUs = 0
  const rest = new ReadingRest(() => void changes++)
  const pieces = (count: number, everyUs: number, bytes = SMALL) => {
    for (let i = 0; i < count; i++) rest.read(bytes, (atUs += everyUs))
    return rest.rests
  }
  return { changes: () => changes, rest, pieces }
}

test('a stream of small pieces is not read for a millisecond, again and again', (t) => {
  const { changes, rest, pieces } = reader(t)
  assert.equal(pieces(100, 20), true)
  for (let round = 0; round < 3; round++) {
    t.mock.timers.tick(1)
    assert.equal(rest.rests, false, 'a rest ends')
    assert.equal(pieces(1, 1000), false, 'what came meanwhile says nothing')
    assert.equal(pieces(1, 20), true, 'it is a stream still')
  }
  assert.equal(changes(), 7)
})

test('few pieces, pieces far apart and large ones are read at once', (t) => {
  const { changes, pieces } = reader(t)
  for (let burst = 0; burst < 20; burst++) {
    assert.equal(pieces(1, 50_000), false)
    assert.equal(pieces(10, 20), false)
  }
  assert.equal(pieces(1000, 600), false)
  assert.equal(pieces(1000, 20, LARGE), false)
  assert.equal(changes(), 0)
})

test('a stream that has ended is one no more', (t) => {
  const { pieces } = reader(t)
  assert.equal(pieces(100, 20), true)
  t.mock.timers.tick(1)
  assert.equal(pieces(1, 1000), false)
  assert.equal(pieces(1, 50_000), false)
  assert.equal(pieces(5, 20), false)
})

test('ended, it says no more', (t) => {
  const { changes, rest, pieces } = reader(t)
  assert.equal(pieces(100, 20), true)
  rest.end()
  t.mock.timers.tick(10)
  assert.equal(rest.rests, false)
  assert.equal(changes(), 1)
})
