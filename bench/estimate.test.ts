// Estimates: what they add up, whom they refuse, and how near they are to what is measured.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { dryRunJson, dryRunText } from './cli/dry-run.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { BenchError } from './contract/errors.ts'
import { estimateOf } from './estimate.ts'
import { bytesIn, type Estimate } from './estimate-parts.ts'
import { doubtsOn, refuseWhatCannotFit, type Room } from './estimate-room.ts'
import { systemsOf, workloadOf } from './systems.ts'

const registry = { drivers, workloads }

function estimated(options: Readonly<Record<string, unknown>>): Estimate {
  const scenario = parseScenario(options)
  return estimateOf(scenario, systemsOf(scenario, registry), workloadOf(scenario, registry))
}

function roomOf(bytes: { disk?: number; memory?: number; out?: number }): Room {
  const { disk = 1e15, memory = 1e15, out } = bytes
  const data = { folder: '/data', option: '--data' as const, freeBytes: disk, device: 1 }
  const results = {
    folder: 'results',
    option: '--out' as const,
    freeBytes: out ?? disk,
    device: out === undefined ? 1 : 2,
  }
  return { data, out: results, memoryBytes: memory }
}

const partOf = (estimate: Estimate, name: string) => estimate.parts.find((part) => part.name === name)?.bytes ?? 0

test('rows on disk grow with rows and DCs, and with the systems that a common rate holds at once', () => {
  const one = estimated({ driver: 'lsm', rows: '1M', rate: 1000 })
  assert.equal(partOf(estimated({ driver: 'lsm', rows: '3M', rate: 1000 }), 'rows'), 3 * partOf(one, 'rows'))
  const three = estimated({ driver: 'lsm', rows: '1M', rate: 1000, dcs: 'a,b,c' })
  assert.equal(partOf(three, 'rows'), 1.5 * partOf(one, 'rows'))
  const both = { driver: 'postgres,lsm', rows: '1M' }
  const postgres = estimated({ driver: 'postgres', rows: '1M', rate: 1000 })
  const after = estimated({ ...both, rate: 1000 })
  assert.equal(after.heldAtOnce, 1)
  assert.equal(partOf(after, 'rows'), Math.max(partOf(one, 'rows'), partOf(postgres, 'rows')))
  const together = estimated({ ...both, rate: 'auto' })
  assert.equal(together.heldAtOnce, 2)
  assert.equal(partOf(together, 'rows'), partOf(one, 'rows') + partOf(postgres, 'rows'))
  assert.equal(estimated({ ...both, rate: 'auto-each' }).heldAtOnce, 1)
})

test('exact causality takes a vector a row and DC on disk, a file of causes, and memory for the rows that are looked into', () => {
  const asked = { driver: 'lsm', rows: '1M', rate: 1000, dcs: 'a,b,c' }
  const [plain, exact] = [estimated(asked), estimated({ ...asked, causality: 'exact' })]
  const more = (part: string) => partOf(exact, part) - partOf(plain, part)
  assert.equal(more('rows') + more('logs and copies'), 3 * 2 * 1e6 * 3 * 8, 'at rest, and while a level is compacted')
  assert.ok(more('what the run writes') > 0)
  assert.ok(more('ledgers') > 0)
  assert.equal(more('stores and their replication'), 3 * 2 * (32 << 20))
})

test('rows take what they took on disk at 1, 5 and 20 million rows, within 5 %', () => {
  // Bytes a row of `profiles` in one DC after loading; docs/large-tables.md says how they were measured.
  for (const [driver, measured] of [
    ['postgres', 304],
    ['lsm', 230],
  ] as const) {
    const bytes = partOf(estimated({ driver, rows: '5M', rate: 1000 }), 'rows') / 10e6
    assert.ok(Math.abs(bytes / measured - 1) < 0.05, `${driver}: ${bytes} for ${measured}`)
  }
})

test('a ledger is estimated by the rows of a given rate, and only bounded where the rate is not known', () => {
  const minute = estimated({ driver: 'lsm', rows: 1000, rate: 1000, duration: '60s', warmup: '0s', probes: 0 })
  assert.ok(Math.abs(partOf(minute, 'ledgers') - 60_000 * 48 - 1000 * 2 * 25) < 1)
  const probed = estimated({ driver: 'lsm', rows: 1000, rate: 1000, duration: '60s', warmup: '0s', probes: 'all' })
  assert.ok(partOf(probed, 'ledgers') > partOf(minute, 'ledgers') + 60_000 * 41)
  const unknown = estimated({ driver: 'lsm', rows: 1000, rate: 'max', duration: '60s' })
  assert.equal(bytesIn(unknown, 'out').sure, partOf(unknown, 'figures'))
  assert.ok(bytesIn(unknown, 'out').most > 100e6)
})

test('an exported ledger takes room beside the ledger, more of it as CSV', () => {
  const asked = { driver: 'lsm', rows: 1000, rate: 1000, duration: '60s', warmup: '0s', probes: 0 }
  const name = 'exported ledgers'
  assert.equal(partOf(estimated(asked), name), 0)
  const [parquet, csv] = ['parquet', 'csv'].map((form) => partOf(estimated({ ...asked, 'export-ledger': form }), name))
  assert.ok(parquet >= 60_000 * 24, `${parquet} bytes`)
  assert.ok(csv >= 60_000 * 155, `${csv} bytes`)
  const exact = estimated({ ...asked, causality: 'exact', 'export-ledger': 'csv' })
  assert.ok(partOf(exact, name) >= csv + 60_000 * 60)
})

test('time counts every repeat, and under a common rate one calibration only', () => {
  const seconds = (options: object) => estimated({ driver: 'lsm', rows: 1000, duration: '10s', ...options }).seconds
  const once = seconds({ rate: 1000 })
  assert.ok(once > 13 && once < 30)
  assert.ok(Math.abs(seconds({ rate: 1000, repeat: 3 }) - 3 * once) < 1e-6)
  const calibrated = seconds({ rate: 'auto', repeat: 3 })
  assert.ok(calibrated < 3 * seconds({ rate: 'auto' }))
})

function refusalOf(estimate: Estimate, room: Room): string {
  try {
    refuseWhatCannotFit(estimate, room)
  } catch (error) {
    assert.ok(error instanceof BenchError)
    assert.equal(error.exit, 69)
    assert.match(error.message, /^[^\n]+\.$/)
    return error.message
  }
  return ''
}

test('what cannot fit is refused in one sentence that says what is missing; what depends on the rate is only a doubt', () => {
  const estimate = estimated({ driver: 'lsm', rows: '1M', rate: 'max' })
  const data = bytesIn(estimate, 'data')
  const all = bytesIn(estimate, 'data', 'out')
  assert.equal(refusalOf(estimate, roomOf({ disk: all.most + 1 })), '')
  assert.deepEqual(doubtsOn(estimate, roomOf({ disk: all.most + 1 })), [])
  assert.match(refusalOf(estimate, roomOf({ disk: all.sure - 1 })), /of disk in \/data, where .* --data\.$/)
  assert.equal(refusalOf(estimate, roomOf({ disk: all.sure + 1 })), '')
  assert.match(doubtsOn(estimate, roomOf({ disk: all.sure + 1 }))[0], /^At the highest rate/)
  // Folders on two file systems are counted apart.
  assert.equal(refusalOf(estimate, roomOf({ disk: data.sure + 1, out: 1e15 })), '')
  assert.match(refusalOf(estimate, roomOf({ out: 10 })), /of disk in results/)
  assert.match(refusalOf(estimate, roomOf({ memory: 1e6 })), /of memory, where 1\.0 MB are free/)
})

test('a dry run names systems, links, times and places, and its JSON holds the same', () => {
  const scenario = parseScenario({
    driver: 'postgres,lsm',
    dcs: 'a,b,c',
    link: ['a<>b: 40ms', 'b<>c: 90ms, 2ms jitter', 'a>c: 120ms', 'c>a: 110ms, 5MB/s'],
  })
  const workload = workloadOf(scenario, registry)
  const estimate = estimateOf(scenario, systemsOf(scenario, registry), workload)
  const text = dryRunText(scenario, workload, estimate, roomOf({}))
  for (const line of [
    'a ⇄ b: 40 ms each way',
    'b ⇄ c: 90 ms ± 2 ms each way',
    'a → c: 120 ms',
    'c → a: 110 ms, 5.0 MB/s',
  ]) {
    assert.ok(text.includes(`  ${line}\n`), text)
  }
  assert.match(text, /postgres cdc, mode batch/)
  assert.match(text, /lsm log, mode batch/)
  assert.match(text, /2 systems deployed at once/)
  assert.match(text, /Nothing was started/)
  const document = JSON.parse(dryRunJson(scenario, estimate, roomOf({})))
  assert.equal(document.estimate.systems.length, 2)
  assert.equal(document.scenario.links.length, 6)
})
