// Which rows are compared after the writers stopped: those that were written, or the whole table where they are much of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admin, Digest } from '../contract/driver.ts'
import { nowUs } from '../lib/clock.ts'
import { converge } from './converge.ts'

/** An admin whose DCs are equal, and what it was asked to digest. */
function equalAdmin(): { admin: Admin; asked: (Float64Array | undefined)[] } {
  const asked: (Float64Array | undefined)[] = []
  const admin = {
    digest(_dc: string, { keys }: { keys?: Float64Array }): Promise<Digest> {
      asked.push(keys)
      const [startedUs, none] = [nowUs(), BigUint64Array.of(0n)]
      return Promise.resolve({ startedUs, endedUs: startedUs, counts: Float64Array.of(1), sums: none, xors: none })
    },
  }
  return { admin: admin as unknown as Admin, asked }
}

async function convergeOn(admin: Admin, keys: Float64Array, loadedRows: number) {
  const waiting = { epochUs: nowUs(), timeoutMs: 10_000, loadedRows, mayStayApart: false }
  return converge(admin, ['east', 'west'], keys, waiting, new AbortController().signal)
}

for (const [written, loadedRows, whole] of [
  [499_999, 1000, false],
  [500_000, 1_500_000, true],
  [500_000, 1_500_001, false],
] as const) {
  test(`${written} written keys beside ${loadedRows} loaded rows are compared ${whole ? 'by the whole table' : 'alone'}`, async () => {
    const { admin, asked } = equalAdmin()
    await convergeOn(admin, new Float64Array(written), loadedRows)
    assert.ok(asked.length >= 4)
    assert.ok(asked.every((keys) => (keys === undefined) === whole))
  })
}
