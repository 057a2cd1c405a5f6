// Waiting for the DCs to agree: equal and staying so, apart for ever, apart but still moving.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Admin, Digest } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { converge } from './converge.ts'

const DCS = ['a', 'b']
const signal = AbortSignal.timeout(30_000)

/** An admin whose DC `b` shows what `sum` says after so many ms, `a` always 1. */
function admin(sum: (ms: number) => bigint, backlog: (ms: number) => number = () => 0): Admin {
  const startedMs = performance.now()
  const passed = () => performance.now() - startedMs
  const digest = (dc: string): Promise<Digest> => {
    const atUs = nowUs()
    const sums = BigUint64Array.of(dc === 'a' ? 1n : sum(passed()))
    return Promise.resolve({ startedUs: atUs, endedUs: atUs, counts: Float64Array.of(1), sums, xors: sums })
  }
  const links = () => Promise.resolve([{ from: 'a', to: 'b', amount: backlog(passed()), unit: 'rows' as const }])
  return { digest, backlog: links } as unknown as Admin
}

async function waited(of: Admin, mayStayApart: boolean, timeoutMs = 10_000) {
  const startedMs = performance.now()
  const { timedOut, restedApart, checks } = await converge(
    of,
    DCS,
    Float64Array.of(1),
    { epochUs: 0, timeoutMs, loadedRows: 1000, mayStayApart },
    signal,
  )
  return { timedOut, restedApart, equal: checks.at(-1)?.equal, ms: performance.now() - startedMs }
}

// They only wait: one beside the other.
describe('converge', { concurrency: true }, () => {
  test('DCs that become equal are done, whatever the system promises', async () => {
    for (const mayStayApart of [true, false]) {
      const { ms, ...end } = await waited(
        admin((after) => (after < 200 ? 2n : 1n)),
        mayStayApart,
      )
      assert.deepEqual(end, { timedOut: false, restedApart: false, equal: true })
      assert.ok(ms >= 200)
    }
  })

  test('DCs that rest apart are left so where the system may leave them, long before the time is over', async () => {
    const { ms, ...end } = await waited(
      admin(() => 2n),
      true,
      20_000,
    )
    assert.deepEqual(end, { timedOut: false, restedApart: true, equal: false })
    assert.ok(ms < 10_000, `${ms} ms`)
  })

  test('a system that promises convergence is waited for to the end', async () => {
    const end = await waited(
      admin(() => 2n),
      false,
      4000,
    )
    assert.deepEqual([end.timedOut, end.restedApart], [true, false])
  })

  test('rows that still change, or are still to come, keep the wait up', async () => {
    const changing = waited(
      admin((ms) => 2n + BigInt(Math.floor(ms / 500))),
      true,
      4000,
    )
    const outstanding = waited(
      admin(
        () => 2n,
        () => 1,
      ),
      true,
      4000,
    )
    for (const { timedOut, restedApart } of await Promise.all([changing, outstanding])) {
      assert.deepEqual([timedOut, restedApart], [true, false])
    }
  })
})
