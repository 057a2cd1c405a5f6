// Which position of the source may be confirmed, whatever order the appliers finish in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourcePosition } from './source-position.ts'

test('a position is passed only when every transaction before it is committed', () => {
  const position = new SourcePosition(100)
  const first = { endLsn: 200, waiting: 2 }
  const second = { endLsn: 300, waiting: 1 }
  for (const transaction of [first, second]) {
    position.begin()
    position.commit(transaction)
  }
  position.keepalive(400)
  second.waiting = 0
  assert.equal(position.settle(), 100)
  first.waiting = 1
  assert.equal(position.settle(), 100)
  first.waiting = 0
  assert.equal(position.settle(), 400, 'nothing is left, so that the keepalive counts')
})

test('a keepalive within a transaction does not pass the transaction', () => {
  const position = new SourcePosition(100)
  position.keepalive(150)
  position.begin()
  position.keepalive(900)
  assert.equal(position.settle(), 100)
  const transaction = { endLsn: 800, waiting: 1 }
  position.commit(transaction)
  assert.equal(position.settle(), 100)
  transaction.waiting = 0
  assert.equal(position.settle(), 800)
})

test('a transaction that touched no applier is passed at once, and the position never goes back', () => {
  const position = new SourcePosition(1000)
  position.begin()
  position.commit({ endLsn: 500, waiting: 0 })
  position.keepalive(600)
  assert.equal(position.settle(), 1000)
})
