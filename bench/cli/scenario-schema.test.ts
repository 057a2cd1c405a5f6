// The options of a run: units read both ways, defaults, the nearest right name, and one sentence for every mistake.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import fc from 'fast-check'
import { BenchError } from '../contract/errors.ts'
import { addRunOptions, rawOptions } from './options.ts'
import { parseScenario } from './scenario-schema.ts'
import { bytesPerSecond, durationMs, sizeBytes, wholeNumber } from './units.ts'

const SEED = 20261124

/** The message of the USAGE error; it must be one sentence. */
function refusalOf(raw: Readonly<Record<string, unknown>>): string {
  try {
    parseScenario(raw)
  } catch (error) {
    assert.ok(error instanceof BenchError, `${JSON.stringify(raw)}: ${String(error)}`)
    assert.equal(error.code, 'USAGE')
    assert.equal(error.exit, 64)
    assert.match(error.message, /^\S[^\n]*[.?]$/, error.message)
    return error.message
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(raw)} was not refused` })
}

test('durations, sizes, bandwidths and counts are read in every unit', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const amount = fc.integer({ min: 0, max: 1e6 })
  const unit = <T extends string>(units: Readonly<Record<T, number>>) =>
    fc.constantFrom(...(Object.entries(units) as [T, number][]))
  const near = (a: number | undefined, b: number) =>
    assert.ok(a !== undefined && Math.abs(a - b) <= 1e-9 * b, `${a} ${b}`)
  fc.assert(
    fc.property(amount, unit({ us: 0.001, ms: 1, s: 1000, m: 60e3, h: 3.6e6 }), (n, [name, ms]) => {
      near(durationMs(`${n}${name}`), n * ms)
      near(durationMs(` ${n}.5 ${name} `), (n + 0.5) * ms)
    }),
    { seed: SEED },
  )
  fc.assert(
    fc.property(
      amount,
      unit({ B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 2 ** 20, GiB: 2 ** 30 }),
      (n, [name, size]) => {
        near(sizeBytes(`${n}${name}`), n * size)
        near(bytesPerSecond(`${n}${name}/s`), n * size)
      },
    ),
    { seed: SEED },
  )
  fc.assert(
    fc.property(amount, unit({ kbit: 125, Mbit: 125e3, Gbit: 125e6 }), (n, [name, size]) =>
      near(bytesPerSecond(`${n}${name}/s`), n * size),
    ),
    { seed: SEED },
  )
  fc.assert(
    fc.property(amount, (n) => {
      assert.equal(wholeNumber(String(n)), n)
      assert.equal(wholeNumber(`${n}k`), n * 1000)
      assert.equal(wholeNumber(`${n}M`), n * 1e6)
    }),
    { seed: SEED },
  )
  assert.equal(wholeNumber('20_000_000'), 20e6)
})

test('an amount without its unit, with a wrong one, or with a sign is none', () => {
  for (const text of ['', '5', 'ms', '-5ms', '5 5ms', '5sec', '1e3ms', 'NaNms', '5ms5'])
    assert.equal(durationMs(text), undefined)
  for (const text of ['', '5', '5mb', '5 TB', '-1B', '5MB/s']) assert.equal(sizeBytes(text), undefined)
  for (const text of ['', '5MB', '5/s', 'MB/s', '5Mbit', '5MB/h']) assert.equal(bytesPerSecond(text), undefined)
  for (const text of ['', '5.5', '-5', '5m', '1e5', '99999999999999999', 'k'])
    assert.equal(wholeNumber(text), undefined)
})

test('every option has its default, and quick shortens only what was not given', () => {
  const usual = parseScenario({})
  assert.deepEqual([usual.durationMs, usual.warmup, usual.dcs], [20_000, undefined, ['us-east', 'eu-west']])
  assert.deepEqual(usual.rate, { kind: 'auto' })
  assert.deepEqual([usual.delayMs, usual.jitterMs, usual.bandwidthBytesPerSecond, usual.links], [40, 0, null, []])
  const quick = parseScenario({ quick: true })
  assert.ok(quick.quick && quick.durationMs < usual.durationMs)
  assert.deepEqual(
    [parseScenario({ warmup: 'steady' }).warmup, parseScenario({ warmup: '2s' }).warmup],
    ['steady', 2000],
  )
  assert.equal(parseScenario({ quick: true, duration: '7s' }).durationMs, 7000)
})

test('the same values may come as text of the command line or typed from a file', () => {
  const texts = {
    rows: '1000',
    overlap: '0.5',
    rate: '5k',
    dcs: 'a,b',
    driver: 'lsm, memory',
    quick: 'true',
    seed: '7',
  }
  const typed = {
    rows: 1000,
    overlap: 0.5,
    rate: 5000,
    dcs: ['a', 'b'],
    driver: ['lsm', 'memory'],
    quick: true,
    seed: 7,
  }
  assert.deepEqual(parseScenario(texts), parseScenario(typed))
})

test('a misspelt name or value is answered with the nearest right one', () => {
  assert.match(refusalOf({ rowz: 5 }), /no option rowz: did you mean rows\?$/)
  assert.match(refusalOf({ 'drain-timeot': '5s' }), /did you mean drain-timeout\?$/)
  assert.match(refusalOf({ distribution: 'zipfan' }), /did you mean zipfian\?$/)
  assert.match(refusalOf({ arrivals: 'constnt' }), /did you mean constant\?$/)
  assert.match(refusalOf({ xylophone: 1 }), /choose one of .*rows/)
})

const MISTAKES: Readonly<Record<string, readonly unknown[]>> = {
  driver: ['', {}, 5],
  rows: ['0', 'many', '1.5', -1, {}, '200000M'],
  overlap: ['1.1', '-0.1', 'half', '1e1', 'e5'],
  skew: ['6', 'x', '-1'],
  rate: ['0', 'fast', '-5', '1e9', '200M'],
  duration: ['5', '500ms', '2000h', '', 'x'],
  warmup: ['5', '2h', 'steadily'],
  dcs: ['one', 'a,a', 'A,b', 'a,b c', 'a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q', 5],
  delay: ['40', '11s', '-1ms'],
  jitter: ['x', '11s'],
  bandwidth: ['50', '50MB', '1B/s', 'fast'],
  link: ['us-east', 5, [5], 'us-east>nowhere: 1ms'],
  seed: ['-1', '4294967296', 'x'],
  batch: ['0', '5000'],
  linger: ['x', '11s'],
  writers: ['0', '257'],
  workers: ['0', '65', 'two'],
  timeout: ['1ms', '11m'],
  'drain-timeout': ['0s', '2h'],
  probes: ['some', '-1'],
  repeat: ['0', '101', 'twice'],
  quick: ['maybe', 5],
  fault: [5, 'kil us-east at=1s for=1s'],
  deployment: ['cloud', 5],
  image: ['postgres', '=x', 'postgres=', 'postgress=postgres:18', 5],
  'container-cpus': ['0', 'all', '-1', '2000'],
  'container-memory': ['4', '1MiB', 'much'],
  set: ['postgres', 5, 'x=y'],
  ports: ['1-2', '15000', '20000-15000', '15000-70000'],
  'ledger-limit': ['5', '5mb'],
}

test('every mistake in an option is told in one sentence that names the option', () => {
  for (const [option, values] of Object.entries(MISTAKES)) {
    for (const value of values) assert.ok(refusalOf({ [option]: value }).includes(`--${option}`), option)
  }
})

test('images and limits are for containers, and are refused where there are none', () => {
  const asked = { image: 'postgres=mine:1', 'container-cpus': '1.5', 'container-memory': '2GiB' }
  assert.deepEqual(parseScenario({ ...asked, deployment: 'docker' }).containers, {
    images: { postgres: 'mine:1' },
    cpus: 1.5,
    memoryBytes: 2 * 1024 ** 3,
  })
  for (const [option, value] of Object.entries(asked)) {
    assert.match(
      refusalOf({ [option]: value }),
      new RegExp(`^--${option} is for containers, .*--deployment=docker\\.$`),
    )
  }
})

test('whatever values come, a scenario is understood or refused in one sentence', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()), fc.object())
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(MISTAKES)), value, (option, given) => {
      try {
        parseScenario({ [option]: given })
      } catch (error) {
        assert.ok(error instanceof BenchError, `${option}: ${String(error)}`)
        assert.match(error.message, /[.?]$/)
      }
    }),
    { seed: SEED, numRuns: 2000 },
  )
})

test('the command line offers exactly the options of the schema, under the same names', () => {
  const command = addRunOptions(new Command())
  const offered = command.options.map((option) => option.attributeName())
  const beside = new Set(['json', 'dryRun', 'scenario'])
  for (const name of offered.filter((one) => !beside.has(one))) {
    const [raw] = Object.keys(rawOptions({ [name]: '' }))
    try {
      parseScenario({ [raw]: '' })
    } catch (error) {
      assert.doesNotMatch((error as Error).message, /There is no option/, raw)
    }
  }
  const typed = new Set(Object.keys(rawOptions(Object.fromEntries(offered.map((name) => [name, ''])))))
  for (const option of Object.keys(MISTAKES)) assert.ok(typed.has(option), `${option} is not offered`)
})
