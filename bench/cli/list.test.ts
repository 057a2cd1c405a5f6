// `list` against a planted workload whose skew is known, and against counts made here.
import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import { OPERATION } from '../contract/table.ts'
import type { Workload } from '../contract/workload.ts'
import { drivers } from '../../drivers/index.ts'
import { workloads } from '../../workloads/index.ts'
import { keySkew } from './key-skew.ts'
import { bar, rowBytes } from './list-workload.ts'
import { listText } from './list.ts'

const SEED = 20261124

/** Half of a DC's operations on key 0, the others round over ten keys of its own. */
const planted: Workload = {
  name: 'planted',
  summary: 'a planted skew',
  meaning: 'Half of the operations hit key 0.',
  optionMeanings: { rows: 'none', overlap: 'none', skew: 'none', distribution: 'none', deletes: 'none' },
  appends: false,
  defaults: { rows: 100, overlap: 0, skew: 0, distribution: 'uniform', deletes: 0 },
  table: ({ rows }) => ({
    name: 'planted',
    rows,
    columns: [
      { name: 'note', type: 'text', minBytes: 3, maxBytes: 10 },
      { name: 'count', type: 'int', min: 0, max: 9 },
    ],
  }),
  stream({ dcIndex }) {
    let turn = 0
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++, turn++) {
          keys[i] = turn % 2 === 0 ? 0 : 1 + dcIndex * 10 + (Math.floor(turn / 2) % 10)
          operations[i] = OPERATION.upsert
        }
      },
    }
  },
}
const registry = {
  drivers: [],
  workloads: [{ workload: planted, module: new URL('file:///planted.ts'), exportName: 'planted' }, ...workloads],
}

test('a driver’s list names the workloads that it is refused for, and no other', async () => {
  const listed = async (driver: string) =>
    stripVTControlCharacters(await listText({ drivers, workloads }, driver, {}, false)).split('\n')
  const lines = (await listed('cassandra')).filter((line) => line.includes('--replication='))
  assert.ok(
    lines.length > 0 && lines.every((line) => / Not for the workload counter\. A write waits /.test(line)),
    lines.join('\n'),
  )
  assert.doesNotMatch((await listed('lsm')).join(), /Not for/)
  const noop = (await listed('noop')).find((line) => line.includes('--replication='))
  assert.match(noop ?? '', / Not for the workload (counter or causal|causal or counter)\./)
})

test('every driver says what a write waits for, and so does its list', async () => {
  for (const { driver } of drivers) {
    const defaults = Object.fromEntries(driver.settings.map((setting) => [setting.name, setting.default]))
    for (const { name, waits, capabilities } of driver.replications) {
      const { roundTrips, to } = waits?.(defaults) ?? {}
      assert.equal(roundTrips === 0, capabilities.acknowledges === 'local', `${driver.name} ${name}`)
      assert.equal(to === 'own', roundTrips === 0, `${driver.name} ${name}`)
    }
  }
  const text = stripVTControlCharacters(await listText({ ...registry, drivers }, 'cassandra', {}, false))
  assert.match(text, /--replication=local-quorum .* A write waits for no other DC\.\n/)
  assert.match(text, /--replication=each-quorum.* A write waits for 1 round trip to the farthest DC\.\n/)
  assert.match(text, /--replication=serial.* A write waits for 4 round trips to a majority of the DCs\.\n/)
  const { replications } = JSON.parse(await listText({ ...registry, drivers }, 'cassandra', {}, true))
  assert.deepEqual(replications[2].waits, { roundTrips: 4, to: 'majority' })
  const serial = drivers.flatMap(({ driver }) => driver.replications).find(({ name }) => name === 'serial')
  assert.equal(serial?.waits?.({ paxos_variant: 'v2' }).roundTrips, 3)
})

test('a planted skew is found: shares of the busiest keys, and the keys that several DCs write', () => {
  const skew = keySkew(planted, { options: planted.defaults, seed: SEED, dcs: ['a', 'b'] })
  for (const dc of skew.dcs) {
    assert.equal(dc.keys, 11)
    assert.deepEqual(dc.top, [
      { keys: 1, share: 0.5 },
      { keys: 10, share: 0.95 },
      { keys: 11, share: 1 },
    ])
  }
  assert.equal(skew.keys, 21)
  assert.deepEqual(skew.shared, { keys: 1, keyShare: 1 / 21, operationShare: 0.5 })
})

test('the profiles’ skew is that of the stream that a run would send', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const profiles = workloads[0].workload
  const options = { ...profiles.defaults, rows: 5000, overlap: 0.4 }
  const skew = keySkew(profiles, { options, seed: SEED, dcs: ['a', 'b', 'c'] })
  const counts = [0, 1, 2].map((dcIndex) => {
    const keys = new Float64Array(skew.operationsEachDc)
    profiles
      .stream({ options, seed: SEED, dcIndex, dcCount: 3, phase: 3 })
      .next(keys.length, keys, new Uint8Array(keys.length))
    return Object.groupBy(keys, String)
  })
  counts.forEach((byKey, dcIndex) => {
    const sizes = Object.values(byKey)
      .map((hits) => hits?.length ?? 0)
      .sort((a, b) => b - a)
    assert.equal(skew.dcs[dcIndex].keys, sizes.length)
    const tenth = sizes.slice(0, 10).reduce((a, b) => a + b, 0) / skew.operationsEachDc
    assert.ok(Math.abs(skew.dcs[dcIndex].top[1].share - tenth) < 1e-9)
  })
  const shared = Object.keys(counts[0]).filter((key) => key in counts[1] || key in counts[2])
  assert.ok(skew.shared.keys >= shared.length)
  // Nearly every key of the table is drawn, so that the share of shared ones is the overlap.
  assert.ok(Math.abs(skew.shared.keyShare - 0.4) < 0.05, `${skew.shared.keyShare}`)
})

test('one workload is listed with its columns, row bytes, options and a chart', async () => {
  const text = stripVTControlCharacters(await listText(registry, 'planted', {}, false))
  assert.match(text, /note {2}text, 3 to 10 bytes/)
  assert.match(text, /a row: 15 to 22 bytes of key and values, 19 on average/)
  assert.match(text, /--overlap=0: none/)
  assert.match(text, /^ +1 {2}█{20} +50\.0 %$/m)
  assert.match(text, /^ +11 {2}█{40} 100 %$/m)
  assert.match(text, /able to conflict: 1 of 21 keys \(4\.76 %\), with 50\.0 % of the operations/)
  const json = JSON.parse(await listText(registry, 'planted', { rows: '50' }, true)) as Record<string, unknown>
  assert.equal(json['rows'], 50)
  assert.deepEqual(json['rowBytes'], { least: 15, mean: 18.5, most: 22 })
})

test('an appending workload is said to write no key twice', async () => {
  const text = await listText(registry, 'messaging', { rows: '20000', overlap: '1' }, false)
  assert.match(text, /No DC writes a key twice/)
  assert.match(text, /nothing can conflict/)
  assert.match(text, /--rows=20000 \(default 1000000\)/)
})

test('a name that is nothing, and an option that would do nothing, are refused', async () => {
  await assert.rejects(listText(registry, 'profile', {}, false), { code: 'USAGE', message: /did you mean profiles/ })
  await assert.rejects(listText(registry, undefined, { skew: '1' }, false), { code: 'USAGE', message: /--skew/ })
  await assert.rejects(listText(registry, 'profiles', { skew: '9' }, false), { code: 'USAGE' })
})

test('a bar is as long as its share, to an eighth of a cell', () => {
  assert.equal(bar(0).trim(), '')
  assert.equal(bar(1), '█'.repeat(40))
  assert.equal(bar(0.5).trimEnd(), '█'.repeat(20))
  assert.equal(bar(1 / 320).trimEnd(), '▏')
  assert.deepEqual(rowBytes([{ name: 'n', type: 'int', min: 0, max: 1 }]), { least: 12, mean: 12, most: 12 })
})
