import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orReason } from './abort.ts'

test('a stage settles as it does while nothing is aborted', async () => {
  const { signal } = new AbortController()
  assert.equal(await orReason(Promise.resolve(7), signal), 7)
})

test('an abort ends the wait with its reason, at once and also when it came before', async () => {
  const controller = new AbortController()
  const reason = new Error('interrupted')
  const waiting = orReason(new Promise(() => undefined), controller.signal)
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  // The stage fails later, when nobody waits any more: that must not surface as an unhandled rejection.
  const failing = new Promise((_, reject) => setTimeout(reject, 5, new Error('late')))
  await assert.rejects(orReason(failing, controller.signal), reason)
  await failing.catch(() => undefined)
})

test('a stage that breaks just before the abort is told by the abort’s reason', async () => {
  const controller = new AbortController()
  const death = new Error('a service died')
  setTimeout(() => controller.abort(death), 20)
  await assert.rejects(orReason(Promise.reject(new Error('connection reset')), controller.signal), death)
})

test('a stage that breaks by itself keeps its own error', async () => {
  await assert.rejects(orReason(Promise.reject(new Error('own')), new AbortController().signal), /own/)
})
