// What fails half-way is fatal, whether it is the putting or the commit: the rest of it would be nowhere.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupCommit } from './group-commit.ts'

test('a change that fails half-way is fatal, and is neither committed nor said to be done', () => {
  const fatal: unknown[] = []
  let commits = 0
  const group = new GroupCommit(
    async () => void commits++,
    (error) => fatal.push(error),
  )
  const why = new Error('half of it was put')
  group.put(() => {
    throw why
  })
  assert.deepEqual([fatal, commits, group.idle], [[why], 0, true])
})

test('changes that are put while a commit is under way are committed together by the next one', async () => {
  const commits: PromiseWithResolvers<void>[] = []
  const group = new GroupCommit(
    () => {
      commits.push(Promise.withResolvers())
      return commits[commits.length - 1].promise
    },
    (error) => assert.fail(String(error)),
  )
  const done: string[] = []
  for (const name of ['first', 'second', 'third']) group.put(() => () => void done.push(name))
  assert.deepEqual([commits.length, done], [1, []])
  commits[0].resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([commits.length, done], [2, ['first']])
  commits[1].resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([commits.length, done, group.idle], [2, ['first', 'second', 'third'], true])
})
