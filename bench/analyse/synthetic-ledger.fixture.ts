// A ledger of any size straight into column files, without a store: two DCs, zipfian keys of which a tenth is written by both,
// 20,000 rows/s, 400 probes/s, 40 ms from DC to DC, and the final rows that follow from it.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { OUTCOME } from '../contract/outcome.ts'
import { finalFile, probesFile, RUN_FILES, writesFile } from '../contract/run-folder.ts'
import { OPERATION } from '../contract/table.ts'
import { permutation, rankSampler } from '../lib/distributions.ts'
import { incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import { FINAL, FINAL_STATE, PROBE_STATE, PROBES, WRITE_FLAG, WRITES } from '../lib/ledger-format.ts'
import { hashNumber, randomStream } from '../lib/random.ts'
import { ColumnWriter } from '../measure/column-writer.ts'
import { plant } from './planted.fixture.ts'

const DCS = ['us-east', 'eu-west']
const ROWS_PER_SECOND = 20_000
const PROBES_PER_SECOND = 400
const KEYS = 1_000_000
const LAG_US = 40_000
const INCARNATION = incarnationOf(PHASE.measure, 0)

/** Writes a run of `rows` rows into `folder`. */
export function writeSyntheticLedger(folder: string, rows: number, seed: number): void {
  const seconds = rows / ROWS_PER_SECOND
  plant(folder, {
    dcs: DCS,
    writes: [],
    probes: [],
    measureMs: [0, seconds * 1000],
    facts: (facts) => ({
      ...facts,
      scenario: { ...facts.scenario, probesPerSecond: PROBES_PER_SECOND, rowsPerSecond: ROWS_PER_SECOND, rows: KEYS },
    }),
  })
  const ledger = join(folder, RUN_FILES.ledger)
  const open = <W>(make: (path: string) => W, names: readonly string[]): W[] =>
    names.map((name) => {
      rmSync(join(ledger, name), { force: true })
      return make(join(ledger, name))
    })
  const writes = open(
    (path) => new ColumnWriter(WRITES, path),
    DCS.map((dc) => writesFile(dc, 0)),
  )
  const probes = open((path) => new ColumnWriter(PROBES, path), DCS.map(probesFile))
  const random = randomStream(seed, 1)
  const keyOf = keyDrawer(seed)
  const latestDot = new Float64Array(KEYS)
  const latestVersion = new Float64Array(KEYS)
  const probedBelow = (PROBES_PER_SECOND / ROWS_PER_SECOND) * 2 ** 32
  for (let i = 0; i < rows; i++) {
    const dc = i % 2
    const key = keyOf(dc)
    const dot = packDot(dc, INCARNATION, (i >> 1) + 1)
    const intendedUs = (i * 1e6) / ROWS_PER_SECOND
    const sentAfterUs = 100 + (random.uint32() % 400)
    const ackedAfterUs = 500 + (random.uint32() % 2000)
    const sentUs = intendedUs + sentAfterUs
    const asked = Math.floor((1e15 + sentUs) / 16) * 16 + dc
    const version = asked > latestVersion[key] ? asked : (Math.floor(latestVersion[key] / 16) + 1) * 16 + dc
    latestVersion[key] = version
    latestDot[key] = dot
    const probed = random.uint32() < probedBelow
    const at = writes[dc].next()
    const { block } = writes[dc]
    block.key[at] = key
    block.dot[at] = dot
    block.version[at] = version
    block.intendedUs[at] = intendedUs
    block.sentAfterUs[at] = sentAfterUs
    block.ackedAfterUs[at] = ackedAfterUs
    block.logicalBytes[at] = 200
    block.outcome[at] = OUTCOME.ok
    block.operation[at] = OPERATION.upsert
    block.flags[at] = probed ? WRITE_FLAG.probed : 0
    block.phase[at] = PHASE.measure
    if (probed) addProbe(probes[1 - dc], { key, dot, sentUs, arrivedUs: sentUs + 300 + LAG_US }, random.uint32())
  }
  for (const writer of [...writes, ...probes]) writer.close()
  for (const final of open((path) => new ColumnWriter(FINAL, path), DCS.map(finalFile))) {
    for (let key = 0; key < KEYS; key++) {
      if (latestDot[key] === 0) continue
      const at = final.next()
      const { block } = final
      block.key[at] = key
      block.dot[at] = latestDot[key]
      block.version[at] = latestVersion[key]
      block.state[at] = FINAL_STATE.whole
    }
    final.close()
  }
}

/** Every key is at home in one DC; a tenth is written by both, and so is the hottest, which is the hardest case. */
function keyDrawer(seed: number): (dc: number) => number {
  const scatter = permutation(KEYS, seed)
  const ranks = DCS.map((_, dc) => rankSampler('zipfian', KEYS, 0.99, randomStream(seed, 2, dc)))
  const hottest = scatter(0)
  return (dc) => {
    for (;;) {
      const key = scatter(ranks[dc]())
      if (hashNumber(key, 1) % 2 === dc || hashNumber(key, 2) % 10 === 0 || key === hottest) return key
    }
  }
}

function addProbe(
  writer: ColumnWriter<typeof PROBES.columns>,
  { key, dot, sentUs, arrivedUs }: { key: number; dot: number; sentUs: number; arrivedUs: number },
  dice: number,
): void {
  const at = writer.next()
  const { block } = writer
  const hidden = dice % 50 === 0
  block.key[at] = key
  block.dot[at] = dot
  block.sentUs[at] = sentUs
  block.missSentUs[at] = arrivedUs - 1 - (dice % 1500)
  block.hitReturnedUs[at] = arrivedUs + 1 + ((dice >>> 11) % 1500)
  block.state[at] = hidden ? PROBE_STATE.overshadowed : PROBE_STATE.hit
}
