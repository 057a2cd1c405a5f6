// What a reader sees of a bench: figures where they belong, n/a where nothing is known, and a width that fits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BenchAnalysis, Metric, RunAnalysis, SystemAnalysis, Verdict } from '../contract/analysis.ts'
import type { Capabilities } from '../contract/driver.ts'
import { colorsFor } from './colors.ts'
import { exitCodeOf } from './exit-code.ts'
import { percentText, shortText, wholeText } from './figures.ts'
import { jsonSummary } from './json.ts'
import { renderBench } from './terminal.ts'

const PLAIN = colorsFor({ isTTY: false }, {})
const VALID: Verdict = { status: 'valid', reasons: [], warnings: [], broken: [] }

function metric(
  name: string,
  value: number | null,
  low: number | null = null,
  high: number | null = null,
  phase = 'measure',
): Metric {
  return { metric: name, unit: '', value, low, high, n: null, dc: '', peer: '', phase }
}

const USUAL = [
  metric('offered', 6000),
  metric('acknowledged', 5998),
  metric('visible', 5975),
  metric('response_p50', 4.21),
  metric('response_p99', 18.34),
  metric('lag_p50', 46.2, 44, 46.2),
  metric('lag_error_p50', 2.2),
  metric('lag_p99', 71.8),
  metric('conflict_share', 0.0231, 0.021, 0.025),
  metric('conflict_share_predicted', 0.0234),
  metric('lost_updates', 1234, 1100, 1300),
  metric('lost_writes', 0),
  metric('lost_writes_everywhere', 0),
  metric('divergent_rows', 0),
  metric('convergence', 0.21),
  metric('wan_bytes', 1.43),
  metric('write_amplification', null),
  { ...metric('rtt_p50', 80.4, null, null, 'during'), dc: 'us-east', peer: 'eu-west' },
  { ...metric('rtt_p99', 81, null, null, 'during'), dc: 'us-east', peer: 'eu-west' },
]

const CAPABILITIES: Capabilities = {
  conflicts: 'last-write-wins',
  acknowledges: 'local',
  ordered: true,
  transactions: true,
  readable: true,
}

function system(label: string, change: Partial<SystemAnalysis> = {}): SystemAnalysis {
  const [driver, replication] = label.split(' ')
  return {
    label,
    driver,
    replication,
    shardKey: 'key',
    capabilities: CAPABILITIES,
    conflictBasis: 'estimated',
    runs: [label],
    rowsPerSecond: 6000,
    metrics: USUAL,
    ...change,
  }
}

function bench(systems: readonly SystemAnalysis[], verdict = VALID, change: Partial<RunAnalysis> = {}): BenchAnalysis {
  const runs = systems.map((one, index): RunAnalysis => ({
    run: one.label,
    index,
    repeat: 1,
    driver: one.driver,
    replication: one.replication,
    mode: 'rows',
    capabilities: one.capabilities,
    workload: 'profiles',
    shardKey: 'key',
    rows: 1_000_000,
    seed: 1,
    quick: false,
    dcs: ['us-east', 'eu-west'],
    links: [
      { from: 'us-east', to: 'eu-west', delayMs: 40 },
      { from: 'eu-west', to: 'us-east', delayMs: 40 },
    ],
    rateAsked: '6000',
    rowsPerSecond: one.rowsPerSecond,
    measuredSeconds: 20,
    durability: '',
    fdatasyncP50Ms: 0.21,
    conflictBasis: one.conflictBasis,
    notes: [],
    metrics: one.metrics,
    audit: [],
    verdict,
    ...change,
  }))
  return { folder: 'f', workload: 'profiles', runs, systems, verdict }
}

test('two systems fit 120 columns, with a heading, their figures and the verdict', () => {
  const text = renderBench(bench([system('postgres cdc'), system('lsm log')]), 'results/f/', PLAIN)
  const lines = text.split('\n')
  assert.ok(
    lines.every((line) => line.length <= 120),
    text,
  )
  assert.equal(
    lines
      .slice(
        0,
        lines.findIndex((line) => line.includes('offered')),
      )
      .join(' '),
    'profiles · 1,000,000 rows · us-east ⇄ eu-west 40 ms each way (measured RTT 80.4 ms p50, 81.0 p99) · 6,000 rows/s · seed 1',
  )
  const row = lines.find((line) => line.startsWith('postgres cdc'))
  assert.deepEqual(row?.split(/\s{2,}/), [
    'postgres cdc',
    '6,000',
    '5,998',
    '5,975',
    '4.21',
    '18.3',
    '46.2',
    '71.8',
    '~2.31 %',
    '2.34 %',
    '0',
    '0.21',
    '1.43',
    'n/a',
  ])
  assert.ok(text.endsWith('valid · fdatasync 0.21 ms p50 · details: results/f/\n'))
})

test('the meaning names the slower system and by how much, what is estimated, and what is n/a', () => {
  const slow = USUAL.map((one) => (one.metric === 'lag_p50' ? { ...one, value: 92.4 } : one))
  const text = renderBench(
    bench([system('postgres cdc', { metrics: slow }), system('lsm log')]),
    'f',
    PLAIN,
  ).replaceAll(/\s+/g, ' ')
  assert.match(text, /Of the lag of 46\.2 ms \(p50, known to 2\.20 ms\) the WAN takes 40\.0, the replication 6\.20\./)
  assert.match(text, /2\.31 % \(2\.10 % to 2\.50 %\) of the writes were in a conflict, estimated/)
  assert.match(text, /1,234 \(1,100 to 1,300\) updates were overwritten unseen/)
  assert.match(text, /No acknowledged write is lost/)
  assert.match(
    text,
    /The WAN carries postgres cdc 1\.43 ×, lsm log 1\.43 × the bytes of the keys and values, where 1 × would do\./,
  )
  assert.match(text, /Write amplification is n\/a/)
})

const waited = (dc: string, peer: string, roundTrips: number, theory: number, rttMs: number) =>
  (
    [
      ['write_round_trips', roundTrips],
      ['write_round_trips_theory', theory],
      ['write_wait_theory', theory * rttMs],
      ['write_wait_beyond', (roundTrips - theory) * rttMs],
    ] as const
  ).map(([name, value]) => ({ ...metric(name, value), dc, peer }))

test('where writes wait for other DCs it says how many round trips they took, and how many they should', () => {
  const near = [...waited('us-east', 'eu-west', 1.02, 1, 80), ...waited('eu-west', 'us-east', 1.04, 1, 80)]
  const far = [...waited('us-east', 'ap-south', 4.1, 4, 100), ...waited('eu-west', 'us-east', 4, 4, 80)]
  const textOf = (metrics: readonly Metric[], change: Partial<SystemAnalysis> = {}) =>
    renderBench(bench([system('a x', { metrics: [...USUAL, ...metrics], ...change })]), 'f', PLAIN).replaceAll(
      /\s+/g,
      ' ',
    )
  assert.match(
    textOf(near),
    /A write takes 1\.02 to 1\.04 round trips of 80\.0 ms \(p50\), where theory says 1: 1\.60 to 3\.20 ms beyond\./,
  )
  assert.match(textOf(far), /4\.00 to 4\.10 round trips of 80\.0 to 100 ms \(p50\), where theory says 4: 0 to 10/)
  const unwaited = waited('us-east', 'eu-west', 0.04, 0, 80)
  for (const text of [textOf([]), textOf(unwaited), textOf(near, { rowsPerSecond: null })]) {
    assert.doesNotMatch(text, /round trips of/)
  }
  const { systems } = JSON.parse(jsonSummary(bench([system('a x', { metrics: [...USUAL, ...near] })]), 'f'))
  const first = systems[0].writeWaits[0]
  assert.deepEqual(
    [first.dc, first.peer, first.roundTrips, first.theory, first.theoryMs],
    ['us-east', 'eu-west', 1.02, 1, 80],
  )
})

test('figures that are not for publishing say why, once, in the table and in the JSON', () => {
  const why = ['a quick run warms up and measures briefly (--quick)']
  const quick = bench([system('a x'), system('b y')], VALID, { notForPublishing: why })
  assert.equal(renderBench(quick, 'f', PLAIN).split('not for publishing: a quick run').length, 2)
  assert.deepEqual(JSON.parse(jsonSummary(quick, 'f')).notForPublishing, why)
  const whole = bench([system('a x')], VALID, { notForPublishing: [] })
  assert.doesNotMatch(renderBench(whole, 'f', PLAIN), /publishing/)
  assert.deepEqual(JSON.parse(jsonSummary(whole, 'f')).notForPublishing, [])
})

test('repeats show their lowest and highest, and rows at different rates are said to be', () => {
  const spread = USUAL.map((one) => (one.metric === 'acknowledged' ? { ...one, low: 5900, high: 6100 } : one))
  const systems = [system('a x', { runs: ['1', '2', '3'], metrics: spread }), system('b y', { rowsPerSecond: 3000 })]
  const text = renderBench(bench(systems), 'f', PLAIN)
  assert.match(text, /lowest of 3 +n\/a +5,900/)
  assert.match(text, /highest of 3 +n\/a +6,100/)
  assert.match(text.replaceAll(/\s+/g, ' '), /each at its own rate/)
  assert.match(text, /a x answers in 4\.21 ms \(p50\), b y in 4\.21 ms, much the same\./)
  assert.match(text, /The rows are not at one rate/)
})

test('in closed loop response times and lags are n/a, and the report says why', () => {
  const text = renderBench(bench([system('a x', { rowsPerSecond: null })]), 'f', PLAIN)
  assert.match(text, /a x +6,000 +5,998 +5,975 +n\/a +n\/a +n\/a +n\/a/)
  assert.match(text, /Closed loop: throughput only/)
})

test('on a terminal of 80 columns no line is longer, and every figure stands in one of the tables', () => {
  const systems = [system('postgres cdc', { conflictBasis: 'exact' }), system('lsm log')]
  const wide = renderBench(bench(systems), 'f', PLAIN)
  const narrow = renderBench(bench(systems), 'f', PLAIN, 80).split('\n')
  assert.ok(
    narrow.every((line) => line.length <= 80),
    narrow.join('\n'),
  )
  const cells = (lines: readonly string[]) =>
    lines.filter((line) => line.startsWith('lsm log ')).flatMap((line) => line.split(/\s{2,}/).slice(1))
  assert.ok(cells(narrow).length > 12)
  assert.deepEqual(cells(narrow), cells(wide.split('\n')))
  assert.equal(renderBench(bench(systems), 'f', PLAIN, 200), wide)
})

test('one lost write is told in the singular; where nothing is compared, DCs that end apart are no loss', () => {
  const apart = (lost: number) => [
    ...USUAL.filter(({ metric: name }) => !['lost_writes', 'divergent_rows'].includes(name)),
    metric('lost_writes', lost),
    metric('divergent_rows', lost),
  ]
  const told = (lost: number, conflicts: Capabilities['conflicts']) =>
    renderBench(
      bench([system('lsm log', { metrics: apart(lost), capabilities: { ...CAPABILITIES, conflicts } })]),
      'f',
      PLAIN,
    ).replaceAll(/\s+/g, ' ')
  assert.match(
    told(1, 'last-write-wins'),
    /1 acknowledged write is lost in at least one DC \(0 in all\), and 1 row differs/,
  )
  assert.match(told(4, 'last-write-wins'), /4 acknowledged writes are lost .* and 4 rows differ at the end\./)
  const diverging = told(4, 'diverges')
  assert.match(diverging, /4 rows differ at the end, as must be .*: of 4 keys some DC ends without the newest write/)
  assert.doesNotMatch(diverging, /lost in/)
})

test('what went wrong in one of several runs is not hidden by the median', () => {
  const names = ['lsm-1', 'lsm-2', 'lsm-3']
  const joined = [
    ...USUAL.filter(({ metric: name }) => !['lost_writes', 'divergent_rows'].includes(name)),
    metric('lost_writes', 0, 0, 2),
    metric('divergent_rows', 0, 0, 1),
    { ...metric('reordered', 0, 0, 4), n: 3 },
    { ...metric('unknown_present', 0, 0, 0), n: 3 },
  ]
  const [like] = bench([system('lsm log')]).runs
  const runs = names.map((run, i) => ({
    ...like,
    run,
    metrics: [
      { ...metric('reordered', i === 0 ? 4 : 0, i === 0 ? 4 : 0, 9), n: 100 },
      { ...metric('unknown_present', 0, 0, 0), n: 0 },
    ],
  }))
  const all = { ...bench([system('lsm log', { runs: names, metrics: joined })]), runs }
  const text = renderBench(all, 'f', PLAIN).replaceAll(/\s+/g, ' ')
  assert.doesNotMatch(text, /No acknowledged write is lost|without a known outcome/)
  assert.match(text, /2 acknowledged writes are lost .* 1 row differs at the end, in the worst of its 3 runs\./)
  assert.match(text, /lsm log, 3 runs together: At least 4 of 300 probed writes .* \(at most 27\)/)
})

test('a store that writes nothing to storage is said to be in memory alone', () => {
  const metrics = [...USUAL.slice(0, -3), metric('write_amplification', 0)]
  const text = renderBench(bench([system('memory lww', { metrics })]), 'f', PLAIN)
  assert.match(text, /Nothing is written to storage/)
  assert.doesNotMatch(text, /0 bytes to storage/)
})

test('an invalid run and a broken promise are said in words, and colours only come on a terminal that wants them', () => {
  const verdict: Verdict = {
    status: 'invalid',
    reasons: ['The client was late.'],
    warnings: ['Beware.'],
    broken: ['2 writes are lost.'],
  }
  const text = renderBench(bench([system('a x')], verdict), 'f', PLAIN)
  assert.match(
    text,
    /promise broken: 2 writes are lost\.\n {2}Beware\.\n {2}invalid: The client was late\.\ninvalid · /,
  )
  assert.ok(!text.includes('\x1b'))
  assert.ok(renderBench(bench([system('a x')]), 'f', colorsFor({ isTTY: true }, {})).includes('\x1b['))
  assert.ok(!renderBench(bench([system('a x')]), 'f', colorsFor({ isTTY: true }, { NO_COLOR: '1' })).includes('\x1b'))
})

test('lost data exit with 1 even where the run is invalid, an invalid run with 2, a good one with 0', () => {
  assert.equal(exitCodeOf({ status: 'invalid', broken: ['lost'] }), 1)
  assert.equal(exitCodeOf({ status: 'invalid', broken: [] }), 2)
  assert.equal(exitCodeOf({ status: 'valid', broken: [] }), 0)
})

test('the JSON summary holds every figure of the table, n/a as null', () => {
  const { systems, verdict } = JSON.parse(jsonSummary(bench([system('a x')]), 'f'))
  assert.equal(systems[0].metrics.lag_p99.value, 71.8)
  assert.equal(systems[0].metrics.write_amplification.value, null)
  assert.deepEqual(verdict, VALID)
})

test('figures keep few digits, and what is not known is n/a', () => {
  assert.deepEqual([0, 0.004, 4.256, 42.56, 425.6, 4256, -3.2, null].map(shortText), [
    '0',
    '0.00',
    '4.26',
    '42.6',
    '426',
    '4,256',
    '-3.20',
    'n/a',
  ])
  assert.deepEqual([0, 0.00004, 0.0231, 0.5, null].map(percentText), ['0 %', '<0.01 %', '2.31 %', '50.0 %', 'n/a'])
  assert.equal(wholeText(1_000_000), '1,000,000')
})
