import assert from 'node:assert/strict'
import { test } from 'node:test'
import { permutation, rankSampler, zeta } from './distributions.ts'
import { randomStream } from './random.ts'

const SEED = 20261124

/** Draws from a sampler and counts. */
function counts(draw: () => number, n: number, draws: number): Float64Array {
  const seen = new Float64Array(n)
  for (let i = 0; i < draws; i++) seen[draw()]++
  return seen
}

test('zeta continues the exact sum', () => {
  for (const s of [0.5, 0.99, 1, 1.5]) {
    let sum = 0
    for (let i = 400_000; i >= 1; i--) sum += i ** -s
    assert.ok(Math.abs(zeta(400_000, s) / sum - 1) < 1e-11, `s=${s}`)
  }
})

for (const skew of [0.5, 0.99, 1, 1.3]) {
  test(`zipfian with exponent ${skew} draws ranks as often as its law says`, (t) => {
    t.diagnostic(`seed ${SEED}`)
    const n = 1000
    const draws = 400_000
    const seen = counts(rankSampler('zipfian', n, skew, randomStream(SEED, 1)), n, draws)
    // The law, summed here without the library's own zeta.
    let total = 0
    for (let i = 1; i <= n; i++) total += i ** -skew
    // Ranks 0 and 1 are exact in both samplers; YCSB's continuous part is an approximation of a few per cent from rank 2 on.
    for (const rank of [0, 1]) {
      const expected = ((rank + 1) ** -skew / total) * draws
      assert.ok(
        Math.abs(seen[rank] - expected) < 5 * Math.sqrt(expected) + 1,
        `rank ${rank}: ${seen[rank]} for ${expected}`,
      )
    }
    let head = 0
    let headExpected = 0
    for (let rank = 0; rank < 100; rank++) {
      head += seen[rank] / draws
      headExpected += (rank + 1) ** -skew / total
    }
    assert.ok(Math.abs(head - headExpected) < 0.02, `first hundred ranks: ${head} for ${headExpected}`)
  })
}

test('ranks between those of narrow slices are those of Gray’s formula, whatever the skew and the table', () => {
  for (const skew of [0.1, 0.5, 0.9, 0.99, 0.999]) {
    for (const n of [3, 1000, 1_000_000, 300_000_000]) {
      const zetaN = zeta(n, skew)
      const zeta2 = 1 + 0.5 ** skew
      const eta = (1 - (2 / n) ** (1 - skew)) / (1 - zeta2 / zetaN)
      let u = 0
      const draw = rankSampler('zipfian', n, skew, { unit: () => u, uint32: () => 0 })
      for (let i = 0; i < 4000; i++) {
        u = ((i + 0.37) / 4000) ** (1 + (i % 3))
        const exact =
          u * zetaN < 1 ? 0 : u * zetaN < zeta2 ? 1 : Math.min(n - 1, n * (eta * u - eta + 1) ** (1 / (1 - skew)))
        const rank = draw()
        assert.ok(
          rank > exact - 1.1 && rank < exact + 0.1 && rank < n,
          `skew ${skew}, n ${n}, u ${u}: ${rank} for ${exact}`,
        )
      }
    }
  }
})

test('hotspot, uniform and sequential keep their shares', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const n = 100
  const hot = counts(rankSampler('hotspot', n, 0, randomStream(SEED, 2)), n, 100_000)
  const inHot = hot.subarray(0, 20).reduce((a, b) => a + b, 0) / 100_000
  assert.ok(Math.abs(inHot - 0.8) < 0.01)
  const uniform = counts(rankSampler('uniform', n, 0, randomStream(SEED, 3)), n, 100_000)
  assert.ok(uniform.every((count) => Math.abs(count - 1000) < 200))
  assert.deepEqual(
    [...counts(rankSampler('sequential', n, 0, randomStream(SEED, 4)), n, 300)],
    Array.from({ length: n }, () => 3),
  )
})

test('the permutation is a bijection for every size and scatters neighbours', () => {
  for (const n of [1, 2, 3, 17, 256, 1000, 4097]) {
    const permute = permutation(n, SEED)
    const seen = new Set<number>()
    for (let rank = 0; rank < n; rank++) seen.add(permute(rank))
    assert.equal(seen.size, n)
    assert.ok([...seen].every((key) => key >= 0 && key < n))
  }
  const permute = permutation(1_000_000, SEED)
  const near = Array.from({ length: 1000 }, (_, rank) => Math.abs(permute(rank) - permute(rank + 1))).filter(
    (gap) => gap < 1000,
  )
  assert.ok(near.length < 20)
})
