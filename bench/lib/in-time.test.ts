// Answers that come, that fail, that come too late, and that go on being heard of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTime } from './in-time.ts'

const late = () => new Error('late')
const never = new Promise<never>(() => undefined)

test('an answer in time is given as it is, also where it is an error', async () => {
  assert.equal(await inTime(Promise.resolve(7), 10_000, late), 7)
  await assert.rejects(inTime(Promise.reject(new Error('no')), 10_000, late), { message: 'no' })
})

test('one that does not come is late, and a bound above what a timer can be set to is no bound of a millisecond', async () => {
  await assert.rejects(inTime(never, 20, late), { message: 'late' })
  const soon = new Promise((resolve) => setTimeout(() => resolve('came'), 20))
  assert.equal(await inTime(soon, 2 ** 40, late), 'came')
})

test('the bound counts from when something was last heard', async () => {
  const startedMs = performance.now()
  let heardMs = startedMs
  const ticking = setInterval(() => (heardMs = performance.now()), 5)
  setTimeout(() => clearInterval(ticking), 100)
  await assert.rejects(
    inTime(never, 60, late, () => heardMs),
    { message: 'late' },
  )
  assert.ok(performance.now() - startedMs >= heardMs - startedMs + 59)
  assert.ok(heardMs - startedMs > 60, 'nothing was heard for longer than the bound, so that the test shows nothing')
})
