import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { OUTCOME, type WriteResult } from '../contract/outcome.ts'
import type { Session } from '../contract/driver.ts'
import type { OperationStream } from '../contract/workload.ts'
import { Alarm } from '../lib/alarm.ts'
import { nowUs } from '../lib/clock.ts'
import { allocateBlock } from '../lib/column-file.ts'
import { ContentMaker } from '../lib/content.ts'
import { HybridClock, incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import { NEVER, WRITES, WRITE_FLAG, type WritesBlock } from '../lib/ledger-format.ts'
import { randomStream } from '../lib/random.ts'
import { Arrivals, writerOf } from './arrivals.ts'
import { Generator, type GeneratorPlan } from './generator.ts'
import { Lane } from './lane.ts'
import type { Recorder } from './row-record.ts'
import { schedule } from './schedule.ts'
import { TouchedKeys } from './touched.ts'

const SEED = 20261124
const content = new ContentMaker([{ name: 'n', type: 'int', min: 0, max: 9 }], SEED)

interface Sent {
  readonly keys: number[]
  readonly dots: number[]
  readonly atUs: number
}

/** A session that keeps what it got and answers as it is told. */
function recordingSession(answer: (sent: Sent) => Promise<WriteResult>): { session: Session; sent: Sent[] } {
  const sent: Sent[] = []
  const session: Session = {
    write(batch: RowBatch) {
      const got = {
        keys: [...batch.keys.subarray(0, batch.count)],
        dots: [...batch.dots.subarray(0, batch.count)],
        atUs: nowUs(),
      }
      sent.push(got)
      return answer(got)
    },
    read: () => Promise.reject(new Error('not read here')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  return { session, sent }
}

/** Keeps every row in one block. */
function blockRecorder(rows: number): { recorder: Recorder; block: WritesBlock; used: () => number } {
  const block = allocateBlock(WRITES, rows)
  let used = 0
  const recorder: Recorder = {
    reserve(count) {
      const start = used
      used += count
      block.ackedAfterUs.fill(NEVER, start, used)
      return { columns: block, start, count }
    },
    settle: () => undefined,
  }
  return { recorder, block, used: () => used }
}

function keysBelow(n: number): OperationStream {
  const random = randomStream(SEED, 1)
  return {
    next(count, keys, operations) {
      for (let i = 0; i < count; i++) {
        keys[i] = Math.floor(random.unit() * n)
        operations[i] = OPERATION.upsert
      }
    },
  }
}

interface Setting {
  readonly rowsPerSecond: number | null
  readonly seconds: number
  readonly batchRows: number
  readonly inFlight?: number
  readonly writers?: number
  readonly worker?: number
  readonly workers?: number
  readonly answer?: (sent: Sent) => Promise<WriteResult>
  /** Ends the phase this long after its start, which is earlier than it was to end. */
  readonly endsAfterMs?: number
}

async function runGenerator(setting: Setting) {
  const { rowsPerSecond, seconds, batchRows, inFlight = 1, writers = 1, worker = 0, workers = 1 } = setting
  const { session, sent } = recordingSession(setting.answer ?? (() => Promise.resolve({ outcome: OUTCOME.ok })))
  const { recorder, block, used } = blockRecorder(1 << 20)
  const startUs = nowUs() + 100_000
  const plan: GeneratorPlan = {
    writers,
    worker,
    workers,
    lingerUs: batchRows === 1 ? 0 : 5000,
    batchRows,
    startUs,
    endUs: startUs + seconds * 1e6,
    closedLoop: rowsPerSecond === null,
    graceUs: 2e6,
  }
  const arrivals = new Arrivals(
    keysBelow(1000),
    rowsPerSecond === null
      ? undefined
      : schedule({ arrivals: 'poisson', rowsPerSecond, seed: SEED, dcIndex: 0, dcCount: 2, phase: 3 }),
  )
  let generator: Generator | undefined
  using alarm = new Alarm(() => generator?.ring())
  const running = new Generator(plan, arrivals, alarm)
  generator = running
  const clock = new HybridClock(0, nowUs)
  const touched = new TouchedKeys()
  const lanes = Array.from(
    { length: Math.ceil((writers - worker) / workers) },
    (_, i) =>
      new Lane(
        session,
        {
          dcIndex: 0,
          incarnation: incarnationOf(PHASE.measure, worker + i * workers),
          phase: PHASE.measure,
          seed: SEED,
          epochUs: startUs,
          batchRows,
          lingerUs: plan.lingerUs,
          inFlight,
          pendingRowsMax: 10_000,
          probeShare: 0,
          unansweredAfterUs: Number.POSITIVE_INFINITY,
        },
        content,
        clock,
        recorder,
        touched,
        {
          sent: (_, rows, slipUs) => running.onSent(rows, slipUs),
          raised: () => undefined,
          settled: running.onSettled,
          declined: running.onDeclined,
        },
      ),
  )
  const { endsAfterMs } = setting
  if (endsAfterMs !== undefined) setTimeout(() => running.endAt(startUs + endsAfterMs * 1000), 100)
  await running.run(lanes)
  return { running, block, rows: used(), sent, touched, startUs }
}

/** The arrivals of the same schedule and stream, computed apart. */
function expectedArrivals(rowsPerSecond: number, seconds: number): { key: number; atUs: number }[] {
  const next = schedule({ arrivals: 'poisson', rowsPerSecond, seed: SEED, dcIndex: 0, dcCount: 2, phase: 3 })
  const count = Math.ceil(rowsPerSecond * seconds * 1.3) + 1000
  const times = new Float64Array(count)
  next(count, times)
  const keys = new Float64Array(count)
  keysBelow(1000).next(count, keys, new Uint8Array(count))
  return [...times].map((atUs, i) => ({ key: keys[i], atUs })).filter(({ atUs }) => atUs <= seconds * 1e6)
}

for (const batchRows of [1, 50]) {
  test(`an open loop sends every row of the schedule once, none before its time, in batches of up to ${batchRows}`, async (t) => {
    t.diagnostic(`seed ${SEED}`)
    const { running, block, rows, sent, touched, startUs } = await runGenerator({
      rowsPerSecond: 2000,
      seconds: 0.5,
      batchRows,
      inFlight: 4,
    })
    const expected = expectedArrivals(2000, 0.5)
    assert.equal(rows, expected.length)
    assert.equal(running.counts.offered, expected.length)
    assert.equal(running.counts.acknowledged, expected.length)
    assert.equal(running.counts.dropped, 0)
    expected.forEach(({ key, atUs }, i) => {
      assert.equal(block.key[i], key)
      assert.ok(Math.abs(block.intendedUs[i] - atUs) < 0.01)
      assert.equal(block.dot[i], packDot(0, incarnationOf(PHASE.measure, 0), i + 1))
      assert.equal(block.outcome[i], OUTCOME.ok)
      assert.notEqual(block.ackedAfterUs[i], NEVER)
    })
    const placeOf = new Map(expected.map((_, i) => [block.dot[i], i]))
    for (const { dots, atUs } of sent) {
      for (const dot of dots) assert.ok(atUs >= startUs + expected[placeOf.get(dot) ?? 0].atUs - 1)
    }
    assert.deepEqual(
      [...touched.ascending()],
      [...new Set(expected.map(({ key }) => key))].toSorted((a, b) => a - b),
    )
  })
}

for (const rowsPerSecond of [2000, null]) {
  test(`a phase that is ended early ${rowsPerSecond === null ? 'keeps its session busy' : 'sends its schedule'} until then, and nothing after`, async () => {
    const { running, block, rows } = await runGenerator({
      rowsPerSecond,
      seconds: 60,
      batchRows: 1,
      endsAfterMs: 300,
      answer: () => new Promise((resolve) => setTimeout(resolve, 5, { outcome: OUTCOME.ok })),
      inFlight: 64,
    })
    const { offered, acknowledged, dropped } = running.counts
    assert.deepEqual([acknowledged, dropped, rows], [offered, 0, offered])
    if (rowsPerSecond !== null) assert.equal(offered, expectedArrivals(rowsPerSecond, 0.3).length)
    const intendedUs = block.intendedUs.subarray(0, rows)
    const latestUs = Math.max(...intendedUs)
    assert.ok(latestUs > 200_000, `${latestUs} µs`)
    // A look at the clock just before the end may be followed by a pause of the machine: what one session has room for is sent late.
    const late = intendedUs.filter((atUs) => atUs > 300_000).length
    assert.ok(late <= 64, `${late} of ${rows} rows after the end, the latest at ${latestUs} µs`)
    // The store takes 5 ms; taken once, the next count begins anew.
    const service = running.takeServiceP50Ms() ?? 0
    assert.ok(service >= 4 && service < 50, `${service} ms`)
    assert.equal(running.takeServiceP50Ms(), null)
  })
}

test('a coalesced row is acknowledged with its batch, marked, and not sent', async () => {
  const { block, rows, sent } = await runGenerator({ rowsPerSecond: 20_000, seconds: 0.3, batchRows: 200 })
  const dots = new Set(sent.flatMap((batch) => batch.dots))
  let coalesced = 0
  for (let i = 0; i < rows; i++) {
    const isCoalesced = (block.flags[i] & WRITE_FLAG.coalesced) !== 0
    assert.equal(dots.has(block.dot[i]), !isCoalesced)
    assert.equal(block.outcome[i], OUTCOME.ok)
    if (isCoalesced) coalesced++
  }
  assert.ok(coalesced > 0)
})

test('two workers of a DC together send what one would, each key by its own writer', async () => {
  const halves = [
    await runGenerator({ rowsPerSecond: 1000, seconds: 0.3, batchRows: 20, writers: 3, worker: 0, workers: 2 }),
    await runGenerator({ rowsPerSecond: 1000, seconds: 0.3, batchRows: 20, writers: 3, worker: 1, workers: 2 }),
  ]
  const keys = halves.map(({ block, rows }) => [...block.key.subarray(0, rows)])
  keys.forEach((own, worker) => assert.ok(own.every((key) => writerOf(key, 3) % 2 === worker)))
  const all = expectedArrivals(1000, 0.3).map(({ key }) => key)
  assert.deepEqual(
    keys.flat().toSorted((a, b) => a - b),
    all.toSorted((a, b) => a - b),
  )
})

test('a store that is too slow makes response times grow from the intended start, and what does not fit is counted as dropped', async () => {
  const answer = () => new Promise<WriteResult>((resolve) => setTimeout(resolve, 50, { outcome: OUTCOME.ok }))
  const { running, block, rows } = await runGenerator({ rowsPerSecond: 2000, seconds: 0.6, batchRows: 10, answer })
  const { offered, acknowledged, dropped } = running.counts
  assert.equal(offered, expectedArrivals(2000, 0.6).length)
  assert.equal(acknowledged + dropped, offered)
  assert.ok(dropped > 0)
  // Ten rows every 50 ms against a hundred that arrive: the last row waited for most of the run and the grace.
  const last = rows - 1
  assert.ok(block.sentAfterUs[last] > 1e6, `${block.sentAfterUs[last]} µs`)
  // The client itself was not late: the slip leaves the wait for the session out.
  assert.ok((running.slipMs(50) ?? 99) < 5, `${running.slipMs(50)} ms`)
})

test('failed and unknown outcomes are counted apart and stand in the ledger', async () => {
  let turn = 0
  const answers: WriteResult[] = [
    { outcome: OUTCOME.ok },
    { outcome: OUTCOME.fail, error: 'refused' },
    { outcome: OUTCOME.info, error: 'timeout' },
  ]
  const { running, block, rows } = await runGenerator({
    rowsPerSecond: 1000,
    seconds: 0.3,
    batchRows: 1,
    answer: () => Promise.resolve(answers[turn++ % 3]),
  })
  const { acknowledged, failed, unknown } = running.counts
  const counted = [OUTCOME.ok, OUTCOME.fail, OUTCOME.info].map(
    (o) => block.outcome.subarray(0, rows).filter((x) => x === o).length,
  )
  assert.deepEqual([acknowledged, failed, unknown], counted)
  assert.deepEqual(running.errors, { refused: failed, timeout: unknown })
})

test('where a store tells the rows of a batch apart they are counted apart, the replaced ones with those that replaced them', async () => {
  const outcomeOfKey = (key: number) => [OUTCOME.ok, OUTCOME.info, OUTCOME.fail][key % 3]
  const { running, block, rows } = await runGenerator({
    rowsPerSecond: 20_000,
    seconds: 0.3,
    batchRows: 200,
    answer: ({ keys }) =>
      Promise.resolve({ outcome: OUTCOME.ok, rowOutcomes: Uint8Array.from(keys, outcomeOfKey), error: 'parted' }),
  })
  let coalesced = 0
  for (let i = 0; i < rows; i++) {
    assert.equal(block.outcome[i], outcomeOfKey(block.key[i]))
    if ((block.flags[i] & WRITE_FLAG.coalesced) !== 0) coalesced++
  }
  assert.ok(coalesced > 0)
  const { acknowledged, failed, unknown } = running.counts
  const counted = [OUTCOME.ok, OUTCOME.fail, OUTCOME.info].map(
    (o) => block.outcome.subarray(0, rows).filter((x) => x === o).length,
  )
  assert.deepEqual([acknowledged, failed, unknown], counted)
})

test('a closed loop keeps the session busy with full batches until the end, and lets timers run', async () => {
  let ticks = 0
  const ticking = setInterval(() => ticks++, 10)
  const { running, sent } = await runGenerator({ rowsPerSecond: null, seconds: 0.3, batchRows: 50, inFlight: 2 })
  clearInterval(ticking)
  assert.ok(ticks >= 10, `${ticks} ticks`)
  assert.equal(running.counts.offered, running.counts.acknowledged)
  assert.ok(sent.length > 100)
})

test('a closed loop with many writers sends every row that it offers, whatever the skew', async () => {
  const { running, rows } = await runGenerator({ rowsPerSecond: null, seconds: 0.3, batchRows: 200, writers: 40 })
  const { offered, sent, acknowledged, dropped } = running.counts
  assert.ok(offered >= 200, `${offered} rows`)
  assert.deepEqual([sent, acknowledged, rows, dropped], [offered, offered, offered, 0])
})

test('a client that stands still is late by its own fault, also while earlier batches are under way', async () => {
  // Every 80 ms the thread does nothing else for 40 ms; the store takes 30 ms, so that answers wait for the thread too.
  const stalling = setInterval(() => {
    const untilUs = nowUs() + 40_000
    while (nowUs() < untilUs);
  }, 80)
  const answer = () => new Promise<WriteResult>((resolve) => setTimeout(resolve, 30, { outcome: OUTCOME.ok }))
  const { running } = await runGenerator({ rowsPerSecond: 1000, seconds: 1, batchRows: 1, inFlight: 256, answer })
  clearInterval(stalling)
  // Rows arrive evenly: of those that arrive in a stall, about a third of all, the lateness is spread up to its length.
  assert.ok((running.slipMs(90) ?? 0) > 15, `p90 ${running.slipMs(90)} ms`)
})
