import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors, types } from 'cassandra-driver'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { outcomeOf, serialOutcomeOf } from './write-outcome.ts'

const { responseErrorCodes: CODE } = types
const response = (code: number) => new errors.ResponseError(code, 'says the server')
const socket = (requestNotWritten: boolean) =>
  Object.assign(new Error('closed'), { isSocketError: true, requestNotWritten })
const noHost = (...inner: readonly Error[]) =>
  new errors.NoHostAvailableError(Object.fromEntries(inner.map((error, i) => [`10.0.0.${i}:9042`, error])) as never)

test('a write that a server refused before it asked any replica failed', () => {
  assert.deepEqual(outcomeOf(response(CODE.unavailableException)), { outcome: OUTCOME.fail, error: 'unavailable' })
  assert.equal(outcomeOf(response(CODE.invalid)).outcome, OUTCOME.fail)
})

test('a write that timed out, failed on a replica or met an overload is unknown', () => {
  for (const code of [CODE.writeTimeout, CODE.writeFailure, CODE.overloaded, CODE.readTimeout, CODE.serverError]) {
    assert.equal(outcomeOf(response(code)).outcome, OUTCOME.info, String(code))
  }
  assert.deepEqual(outcomeOf(new errors.OperationTimedOutError('slow', 'host')), {
    outcome: OUTCOME.info,
    error: 'timeout',
  })
})

test('a lost connection leaves a write unknown unless it was never sent', () => {
  assert.deepEqual(outcomeOf(socket(false)), { outcome: OUTCOME.info, error: 'connection_lost' })
  assert.deepEqual(outcomeOf(socket(true)), { outcome: OUTCOME.fail, error: 'unreachable' })
  assert.deepEqual(outcomeOf(new Error('No connection available')), { outcome: OUTCOME.fail, error: 'unreachable' })
  assert.deepEqual(outcomeOf(noHost()), { outcome: OUTCOME.fail, error: 'unreachable' })
  assert.deepEqual(outcomeOf(noHost(socket(true))), { outcome: OUTCOME.fail, error: 'unreachable' })
  assert.deepEqual(outcomeOf(noHost(socket(false))), { outcome: OUTCOME.info, error: 'connection_lost' })
  assert.equal(outcomeOf(noHost(socket(true), new errors.OperationTimedOutError('slow', 'host'))).outcome, OUTCOME.info)
})

test('an error that nobody foresaw leaves the write unknown', () => {
  assert.equal(outcomeOf(new TypeError('a bug')).outcome, OUTCOME.info)
})

test('a transaction is refused only before its value was agreed upon; its timeouts are unknown, each by its round', () => {
  const { serial, quorum } = types.consistencies
  const of = (code: number, told: { consistencies?: number; writeType?: string }) =>
    serialOutcomeOf(Object.assign(response(code), told))
  assert.deepEqual(of(CODE.unavailableException, { consistencies: serial }), {
    outcome: OUTCOME.fail,
    error: 'unavailable',
  })
  assert.deepEqual(of(CODE.unavailableException, { consistencies: quorum }), {
    outcome: OUTCOME.info,
    error: 'commit_unavailable',
  })
  assert.deepEqual(of(CODE.writeTimeout, { writeType: 'CAS' }), { outcome: OUTCOME.info, error: 'cas_timeout' })
  assert.deepEqual(of(CODE.writeTimeout, { writeType: 'SIMPLE' }), { outcome: OUTCOME.info, error: 'commit_timeout' })
  assert.deepEqual(of(0x1700, {}), { outcome: OUTCOME.info, error: 'cas_timeout' })
  assert.equal(serialOutcomeOf(noHost()).outcome, OUTCOME.fail)
})
