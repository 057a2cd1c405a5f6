// Delays planted in the reference store, each row's drawn from a known distribution: the lag and the response time tell them, write by
// write, and nothing else is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delayLaw, drawDelayMs } from '../drivers/memory/delay-law.ts'
import { DELAY_SALT } from '../drivers/memory/planted-faults.ts'
import { figureOf } from './contract/analysis.ts'
import { findingsOf, isCalm } from './planted-measures.fixture.ts'
import { hitsOf, writesOf } from './planted-truth.fixture.ts'
import { withRun } from './run.fixture.ts'

const SEED = 20261125
const RATE = 2000
const LINK_MS = 20
const LOAD = { driver: 'memory', rows: 2000, warmup: '0s', duration: '1500ms', seed: SEED, delay: `${LINK_MS}ms` }
/** What a row may take beside what is known, where the machine has time for it. */
const MACHINE_MS = 40

const lawOf = (text: string) => delayLaw(text) ?? assert.fail(text)
const share = (part: number, of: number) => part / Math.max(1, of)

test(
  'the lag of every write holds the delay that was drawn for it and the order of its DC',
  { timeout: 60_000 },
  (t) => {
    t.diagnostic(`seed ${SEED}`)
    const asked = 'lognormal(30ms,0.5)'
    const law = lawOf(asked)
    // Without conflicts no probe is overshadowed: all of them tell.
    const options = { ...LOAD, overlap: 0, probes: 'all', set: `memory.delay=${asked}` }
    return withRun(options, RATE, async ({ analysis, folder }) => {
      assert.deepEqual(findingsOf(analysis), [])
      const hits = hitsOf(folder)
      /** By DC: when its latest row can have been visible at the earliest, and at the latest but for the machine. */
      const earliest = [0, 0]
      const latest = [0, 0]
      const leastMs: number[] = []
      const mostMs: number[] = []
      let inBounds = 0
      for (const { dot, dcIndex, sentUs, ackedUs } of writesOf(folder)) {
        const delayUs = (LINK_MS + drawDelayMs(law, DELAY_SALT.delay, SEED, dot)) * 1000
        earliest[dcIndex] = Math.max(earliest[dcIndex], sentUs + delayUs)
        latest[dcIndex] = Math.max(latest[dcIndex], ackedUs + delayUs)
        leastMs.push((earliest[dcIndex] - ackedUs) / 1000)
        mostMs.push((latest[dcIndex] - ackedUs) / 1000)
        const hit = hits.get(dot)
        if (hit === undefined) continue
        // It cannot be seen before it can be there. A timer may ring half a millisecond early, twice on the way.
        assert.ok(
          hit.hitReturnedUs >= earliest[dcIndex] - 1000,
          `dot ${dot} was seen ${earliest[dcIndex] - hit.hitReturnedUs} µs early`,
        )
        if (Number.isNaN(hit.missSentUs) || hit.missSentUs <= latest[dcIndex] + MACHINE_MS * 1000) inBounds++
      }
      assert.ok(hits.size > 0.95 * mostMs.length, `${hits.size} of ${mostMs.length} writes have a clean probe`)
      const calm = isCalm(analysis)
      t.diagnostic(`${inBounds} of ${hits.size} writes in bounds${calm ? '' : '; the machine was busy: not judged'}`)
      if (calm) assert.ok(share(inBounds, hits.size) > 0.99)
      for (const [name, of] of [
        ['lag_p50', 0.5],
        ['lag_p90', 0.9],
      ] as const) {
        const [least, most] = [leastMs, mostMs].map(
          (lags) => lags.toSorted((a, b) => a - b)[Math.floor(of * lags.length)],
        )
        const { low, high } = figureOf(analysis.metrics, name)
        t.diagnostic(
          `${name}: ${low} to ${high} ms, true ${least.toFixed(1)} to ${most.toFixed(1)} and the machine’s part`,
        )
        assert.ok(low !== null && high !== null && high >= least - 1, name)
        if (calm) assert.ok(low <= most + MACHINE_MS, name)
      }
    })
  },
)

test(
  'a slow acknowledgement stands in the response time as it was drawn, and not in the lag',
  { timeout: 60_000 },
  (t) => {
    t.diagnostic(`seed ${SEED}`)
    const asked = 'uniform(10ms,40ms)'
    const law = lawOf(asked)
    return withRun({ ...LOAD, set: `memory.slow_ack=${asked}` }, RATE, async ({ analysis, folder, value }) => {
      assert.deepEqual(findingsOf(analysis), [])
      let after = 0
      let batches = 0
      const sent = Map.groupBy(writesOf(folder), ({ version }) => version)
      for (const batch of sent.values()) {
        // Rows are sent in the order of their keys: the first one's dot is what the delay is drawn from.
        const drawnUs = drawDelayMs(law, DELAY_SALT.slowAck, SEED, batch[0].dot) * 1000
        const tookUs = batch[0].ackedUs - batch[0].sentUs
        assert.ok(tookUs >= drawnUs - 1000, `acknowledged after ${tookUs} µs where ${drawnUs} µs were planted`)
        batches++
        // Those before it may hold it up, for no longer than the longest delay.
        if (tookUs <= 40_000 + MACHINE_MS * 1000) after++
      }
      assert.ok(batches > 100)
      t.diagnostic(
        `${after} of ${batches} batches in time${isCalm(analysis) ? '' : '; the machine was busy: not judged'}`,
      )
      if (isCalm(analysis)) assert.ok(share(after, batches) > 0.95)
      assert.ok((value('response_p50') ?? 0) >= 25)
      // The row is on its way before it is acknowledged: the lag is shorter than the link, and may be below zero.
      if (isCalm(analysis)) assert.ok((value('lag_p50') ?? 99) < LINK_MS)
    })
  },
)
