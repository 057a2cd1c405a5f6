// What is believed of the reports of psql and pgbench.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secondsOf } from './postgres-copy-psql.ts'
import { sampleOf } from './postgres-pgbench.ts'

const PGBENCH = `pgbench (15.18 (Debian 15.18-0+deb12u1), server 18.4)
transaction type: /tmp/it/pgbench.sql
scaling factor: 1
query mode: prepared
number of clients: 8
number of threads: 1
maximum number of tries: 1
duration: 4 s
number of transactions actually processed: 16000
number of failed transactions: 0 (0.000%)
latency average = 2.000 ms
initial connection time = 52.316 ms
tps = 4100.500000 (without initial connection time)
`

test('pgbench counts from when its clients are connected, and rows are those of all statements of a transaction', () => {
  const { amount, seconds } = sampleOf(PGBENCH, 128)
  assert.deepEqual([amount, seconds], [16_000 * 128, 16_000 / 4100.5])
})

test('a pgbench run with failures, or without a word of how much it did, is none', () => {
  for (const text of [
    PGBENCH.replace('transactions: 0 (0.000%)', 'transactions: 3 (0.019%)'),
    PGBENCH.replace(/^number of transactions actually.*\n/m, ''),
    PGBENCH.replace(/^tps.*\n/m, ''),
    '',
  ]) {
    assert.throws(() => sampleOf(text, 1), { code: 'STORE' })
  }
})

test('psql has copied when it says so of every row', () => {
  assert.equal(
    secondsOf('Timing is on.\nCOPY 400000\nTime: 3000.123 ms (00:03.000)\nCOPY 80000\nTime: 325.000 ms\n', 480_000),
    3.325123,
  )
  for (const text of ['Timing is on.\nCOPY 479999\nTime: 3325.123 ms\n', 'COPY 480000\n', 'ERROR:  duplicate key\n']) {
    assert.throws(() => secondsOf(text, 480_000), { code: 'STORE' })
  }
})
