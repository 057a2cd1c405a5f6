// One key that both DCs write all the time, everything hidden, a fifth of it unknown, with clocks apart: the hardest case there is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureOf } from '../contract/analysis.ts'
import { PROBE_STATE } from '../lib/ledger-format.ts'
import { plant, scratchFolder, type PlantedRun } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

const GAP_MS = 0.2
const SKEW_MS = 400

/** DC 1's clock is ahead; its writes hide DC 0's from every read, and no write learns of the other DC's. */
function hotKey(rows: number): PlantedRun {
  const writes = Array.from({ length: rows }, (_, i) => {
    const dc = i % 2
    const sentMs = 10 + i * GAP_MS
    const version = Math.floor((1e9 + (sentMs + dc * SKEW_MS) * 1000) / 16) * 16 + dc
    return { dc, key: 1, sentMs, version, ...(i % 5 === 3 ? {} : { ackedMs: sentMs + 1 }) }
  })
  return {
    writes,
    probes: writes.map(({ dc, sentMs }, write) => ({
      peer: 1 - dc,
      write,
      closedMs: sentMs + 3,
      state: PROBE_STATE.overshadowed,
    })),
    causes: writes.flatMap(({ ackedMs }, write) =>
      ackedMs === undefined ? [] : [{ write, overwrote: write - 2, seen: [-1, -1] }],
    ),
    measureMs: [0, 20 + rows * GAP_MS],
  }
}

async function cpuOf(rows: number): Promise<number> {
  using folder = scratchFolder()
  plant(folder.path, hotKey(rows))
  const before = process.cpuUsage()
  const { metrics } = await analyseRun(folder.path)
  const { user, system } = process.cpuUsage(before)
  assert.equal(figureOf(metrics, 'unknown_present').n, Math.floor((rows + 1) / 5))
  assert.ok((figureOf(metrics, 'beaten_by_earlier').high ?? 0) > rows / 4)
  return user + system
}

test('the time for one hot key grows as its writes do, not as their square', async (t) => {
  await cpuOf(5000)
  const [few, many] = [await cpuOf(20_000), await cpuOf(80_000)]
  t.diagnostic(`20,000 writes ${Math.round(few / 1000)} ms, 80,000 writes ${Math.round(many / 1000)} ms of CPU`)
  // Four times the writes: 4 would be linear, 16 is what looking at all pairs takes.
  assert.ok(many < few * 7, `${many / few} times as long`)
})
