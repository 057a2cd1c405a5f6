// Questions to things that may be broken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimelyAnswers } from './timely-answers.ts'

test('an answer in time is given, a refusal is none', async () => {
  const answers = new TimelyAnswers(1000)
  assert.equal(await answers.of('a', async () => 7), 7)
  assert.equal(await answers.of('a', () => Promise.reject(new Error('down'))), undefined)
})

test('who owes an answer is not asked again until it has come', async () => {
  const answers = new TimelyAnswers(10)
  const slow = Promise.withResolvers<number>()
  let asked = 0
  const question = () => {
    asked++
    return slow.promise
  }
  assert.equal(await answers.of('a', question), undefined)
  assert.equal(await answers.of('a', question), undefined)
  assert.equal(await answers.of('b', async () => 2), 2)
  assert.equal(asked, 1)
  slow.resolve(1)
  await slow.promise
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await answers.of('a', question), 1)
  assert.equal(asked, 2)
})
