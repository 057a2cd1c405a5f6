// What `peers` refuses before it starts anything, and how it ends where nothing can be measured.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from '../contract/errors.ts'
import { peersCommand } from './peers.ts'

const registry = { drivers: [], workloads: [] }

const refusal = (raw: Record<string, string>) =>
  peersCommand(raw, registry, true).then(
    () => assert.fail('not refused'),
    (error: unknown) => {
      assert.ok(error instanceof BenchError && error.code === 'USAGE', String(error))
      return error.message
    },
  )

test('a misspelt comparison is answered with the one that was meant', async () => {
  assert.match(
    await refusal({ only: 'cassandra-single-bear' }),
    /no comparison cassandra-single-bear: did you mean cassandra-single-bare/i,
  )
})

test('turns that cannot be taken are refused', async () => {
  assert.match(await refusal({ pairs: '0' }), /--pairs "0" is not a whole number from 1/)
  assert.match(await refusal({ 'warmup-pairs': '-1' }), /--warmup-pairs "-1" is not/)
  assert.match(await refusal({ turn: '8' }), /--turn "8" is not a duration/)
  assert.match(await refusal({ turn: '10ms' }), /at least 500ms/)
  assert.match(await refusal({ ports: 'many' }), /ports/)
})
