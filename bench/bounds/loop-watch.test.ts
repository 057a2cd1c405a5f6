// The thread that watches the main one's event loop: many calls, however quick one after another, are no sign that it stands still.
// That it ends a process whose loop does stand still is in bench/hanging.engine.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../contract/limits.ts'
import { whileWatched } from './loop-watch.ts'

const whose = { name: './mine.ts', isOutside: true, limits: LIMITS }
const call = (limitMs: number) =>
  whileWatched({ whose, what: 'answered its digest()', limitMs }, () => new Promise<void>((done) => setImmediate(done)))

test('thousands of answers, two at a time and with bounds that change, leave the process alone', async () => {
  const endMs = performance.now() + 700
  let calls = 0
  for (; performance.now() < endMs; calls += 2)
    await Promise.all([call(60_000), call(calls % 3 === 0 ? 90_000 : 60_000)])
  assert.ok(calls > 1000, `${calls} calls`)
})

test('calls of one bound that overlap for ever leave it alone too', async () => {
  const endMs = performance.now() + 700
  let calls = 0
  let last = call(60_000)
  for (; performance.now() < endMs; calls++) {
    const next = call(60_000)
    await last
    last = next
  }
  await last
  assert.ok(calls > 1000, `${calls} calls`)
})
