// A delay that is asked for in words is drawn from the distribution that the words name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packDot } from '../../bench/lib/dot.ts'
import { type DelayLaw, delayLaw, drawDelayMs } from './delay-law.ts'

const SALT = 0x1234567
const SEED = 77
const DRAWS = 20_000
/** Largest distance between the drawn and the true distribution function that chance exceeds once in 1,000 times (Smirnov, 1948). */
const DISTANCE_MAX = 1.95 / Math.sqrt(DRAWS)

/** The complementary error function: Numerical Recipes, 2nd edition, section 6.2; error below 1.2e-7. */
function erfc(x: number): number {
  const t = 1 / (1 + Math.abs(x) / 2)
  const terms = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
  ]
  const value = t * Math.exp(-x * x - 1.26551223 + t * terms.reduce((sum, term) => sum * t + term, 0))
  return x >= 0 ? value : 2 - value
}

function furthest(law: DelayLaw, below: (ms: number) => number): number {
  const drawn = Float64Array.from({ length: DRAWS }, (_, i) => drawDelayMs(law, SALT, SEED, packDot(1, 768, i + 1)))
  drawn.sort()
  return drawn.reduce((most, ms, i) => Math.max(most, Math.abs(below(ms) - (i + 0.5) / DRAWS)), 0)
}

test('delays follow the distribution that was asked for', () => {
  const read = (text: string) => delayLaw(text) ?? assert.fail(text)
  const uniform = read('uniform(20ms,80ms)')
  const exponential = read('exponential(30ms)')
  const lognormal = read('lognormal(50ms, 0.5)')
  const distances = {
    uniform: furthest(uniform, (ms) => (ms - 20) / 60),
    exponential: furthest(exponential, (ms) => 1 - Math.exp(-ms / 30)),
    lognormal: furthest(lognormal, (ms) => erfc(-Math.log(ms / 50) / 0.5 / Math.SQRT2) / 2),
  }
  for (const [law, distance] of Object.entries(distances)) assert.ok(distance < DISTANCE_MAX, `${law}: ${distance}`)
  // And tells them apart from their neighbours.
  assert.ok(furthest(exponential, (ms) => 1 - Math.exp(-ms / 31.5)) > DISTANCE_MAX)
  assert.ok(furthest(lognormal, (ms) => erfc(-Math.log(ms / 50) / 0.53 / Math.SQRT2) / 2) > DISTANCE_MAX)
})

test('a draw is a function of seed, setting and row alone', () => {
  const law = delayLaw('exponential(30ms)') ?? assert.fail()
  const dot = packDot(1, 768, 9)
  assert.equal(drawDelayMs(law, SALT, SEED, dot), drawDelayMs(law, SALT, SEED, dot))
  for (const other of [
    drawDelayMs(law, SALT + 1, SEED, dot),
    drawDelayMs(law, SALT, SEED + 1, dot),
    drawDelayMs(law, SALT, SEED, dot + 1),
  ])
    assert.notEqual(other, drawDelayMs(law, SALT, SEED, dot))
})

test('a bare number is ms, and what is no delay is none', () => {
  assert.deepEqual(delayLaw('60'), { law: 'constant', ms: 60 })
  assert.deepEqual(delayLaw('0.25s'), { law: 'constant', ms: 250 })
  for (const text of [
    '',
    '-1',
    '5m',
    'fast',
    'uniform(80ms,20ms)',
    'uniform(1ms)',
    'exponential()',
    'exponential(1,2)',
  ])
    assert.equal(delayLaw(text), undefined, text)
  for (const text of ['lognormal(50ms)', 'lognormal(50ms,-1)', 'lognormal(50ms,x)', 'normal(1,1)', '601s', '1e3'])
    assert.equal(delayLaw(text), undefined, text)
})
