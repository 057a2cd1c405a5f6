import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyOrder } from './key-order.ts'

test('tasks on one key run one after another, also after one that failed; others do not wait', async () => {
  const order = new KeyOrder()
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = order.run([1, 2], async () => {
    await gate.promise
    done.push('first')
    throw new Error('refused')
  })
  const second = order.run([2, 3], async () => void done.push('second'))
  const third = order.run([3], async () => void done.push('third'))
  await order.run([4], async () => void done.push('other'))
  assert.deepEqual(done, ['other'])
  gate.resolve()
  await assert.rejects(first, /refused/)
  await Promise.all([second, third])
  assert.deepEqual(done, ['other', 'first', 'second', 'third'])
})
