// What the end of a run is judged by: digests, rows read back, the store's own counters.
import type { Digest } from '../../contract/driver.ts'
import { OPERATION } from '../../contract/table.ts'
import { nowUs } from '../../lib/clock.ts'
import { differingBuckets } from '../../stages/digests.ts'
import { expect, unreadable, unreadableOrAppends, type Check, type CheckContext } from '../check.ts'
import type { Row } from '../rows.ts'
import { withLinks } from './links.ts'

const LIMIT_MS = 30_000
const HOME = 0
const BUCKETS = 16

const total = ({ counts }: Digest): number => counts.reduce((sum, count) => sum + count, 0)

const digestShape: Check = {
  name: 'digest-buckets',
  sentence:
    'a digest has the buckets asked for, key mod buckets, counts the rows asked for, and says when it was taken',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run({ ground }) {
    const keys = ground.keys(20, 'loaded')
    const [absent] = ground.keys(1, 'new')
    const dc = ground.dcNames[HOME]
    const before = nowUs()
    const digest = await ground.admin.digest(dc, { buckets: BUCKETS, keys: Float64Array.from([...keys, absent]) })
    const after = nowUs()
    for (const column of [digest.counts, digest.sums, digest.xors]) {
      expect(column.length === BUCKETS, () => `A digest of ${BUCKETS} buckets has ${column.length}.`)
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const wanted = keys.filter((key) => key % BUCKETS === bucket).length
      expect(
        digest.counts[bucket] === wanted,
        () =>
          `A digest of ${keys.length} rows and an absent one counts ${digest.counts[bucket]} in bucket ${bucket} where ${wanted} are.`,
      )
    }
    expect(
      before <= digest.startedUs && digest.startedUs <= digest.endedUs && digest.endedUs <= after,
      () =>
        `A digest taken between ${before} and ${after} µs says from ${digest.startedUs} to ${digest.endedUs}: it must be on CLOCK_MONOTONIC, in µs.`,
    )
    const whole = await ground.admin.digest(dc, { buckets: BUCKETS })
    const read = { count: 0 }
    for await (const rows of ground.admin.rows(dc, { bucket: 0, buckets: 1 })) read.count += rows.count
    expect(
      total(whole) === read.count,
      () => `The digest of ${dc} counts ${total(whole)} rows, and rows() gives ${read.count}.`,
    )
    const one = await ground.admin.digest(dc, { buckets: 1 })
    const folded = BigInt.asUintN(
      64,
      whole.sums.reduce((sum, each) => sum + each, 0n),
    )
    expect(
      one.sums[0] === folded,
      () => 'The sums of 16 buckets do not make that of one: they must be sums of hashes modulo 2^64.',
    )
    return undefined
  },
}

/** Writes one row in the first DC and another over the same key in the second, and says whether their digests differ. */
async function differ({ ground, mode }: CheckContext, key: number, ours: Row, theirs: Row): Promise<boolean> {
  await ground.mustStore(await ground.session(0, mode.name), [ours])
  await ground.mustStore(await ground.session(1, mode.name), [theirs])
  const [one, other] = await ground.digests([key])
  return differingBuckets([one, other]).length > 0
}

const digestSees: Check = {
  name: 'digest-sees',
  sentence:
    'two DCs that differ in the dot, the version, one byte or a tombstone of one row have different digests, and else equal ones',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: (system, mode) =>
    unreadableOrAppends(system, mode) ??
    (system.replication.capabilities.acknowledges === 'local' ? undefined : 'it needs the links to write'),
  async run(context) {
    const { ground, signal } = context
    const keys = ground.keys(6, 'loaded')
    const rows = keys.map((key) => ground.row(HOME, key, { values: { name: 'abc' } }))
    const changes: readonly [what: string, change: (row: Row) => Row][] = [
      ['dot', (row) => ({ ...row, dot: row.dot + 1_000_000 })],
      ['version', (row) => ({ ...row, version: row.version + 16 })],
      ['one byte of a text', (row) => ({ ...row, values: { ...row.values, name: 'abd' } })],
      ['an int', (row) => ({ ...row, values: { ...row.values, amount: row.values.amount ^ 1 } })],
      ['a tombstone', (row) => ({ ...row, operation: OPERATION.delete })],
    ]
    await withLinks(ground, 'hold', async () => {
      for (const [i, [what, change]] of changes.entries()) {
        const row = rows[i]
        expect(
          await differ(context, row.key, row, change(row)),
          () => `Two DCs whose rows of key ${row.key} differ in ${what} alone have equal digests.`,
        )
      }
      const [same] = rows.slice(-1)
      expect(
        !(await differ(context, same.key, same, same)),
        () => `Two DCs that hold the very same row have different digests.`,
      )
    })
    // Equal again, whatever arrived meanwhile.
    const later = keys.map((key) => ground.row(HOME, key))
    await ground.mustStore(await ground.session(HOME, context.mode.name), later)
    if (context.system.replication.capabilities.conflicts !== 'diverges') await ground.equal(keys, 15_000, signal)
    return undefined
  },
}

const selections: Check = {
  name: 'selections',
  sentence:
    'rows by keys, rows by bucket and reads agree, absent keys left out, and the order of the keys asked for changes no digest',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run({ ground, mode }) {
    const keys = [...ground.keys(10, 'loaded'), ...ground.keys(10, 'new')]
    const written = keys.slice(10, 15).map((key) => ground.row(HOME, key, { operation: OPERATION.insert }))
    await ground.mustStore(await ground.session(HOME, mode.name), written)
    const there = new Set(keys.slice(0, 15))
    const byKeys = await ground.held(HOME, keys)
    expect(
      byKeys.size === there.size && keys.every((key) => byKeys.has(key) === there.has(key)),
      () => `rows() by keys gave ${byKeys.size} rows where ${there.size} of the keys are there.`,
    )
    const read = await (await ground.reader(HOME)).read(Float64Array.from(keys))
    const byBucket = new Map<number, number>()
    for (const bucket of [0, 1, 2]) {
      for await (const rows of ground.admin.rows(ground.dcNames[HOME], { bucket, buckets: 3 })) {
        for (let i = 0; i < rows.count; i++) byBucket.set(rows.keys[i], rows.dots[i])
      }
    }
    for (const [i, key] of keys.entries()) {
      const dots = [byKeys.get(key)?.dot ?? 0, byBucket.get(key) ?? 0, read.dots[i]]
      expect(
        new Set(dots).size === 1,
        () => `Key ${key} has dot ${dots[0]} by keys, ${dots[1]} by bucket and ${dots[2]} in a read.`,
      )
    }
    const [forwards, backwards] = [await ground.digests(keys), await ground.digests(keys.toReversed())]
    expect(
      differingBuckets([forwards[HOME], backwards[HOME]]).length === 0,
      () => 'A digest depends on the order of the keys asked for.',
    )
    return undefined
  },
}

const counters: Check = {
  name: 'counters',
  sentence: 'its own counters are numbers by name, its count of conflicts has a meaning or is null, and flush() ends',
  level: 'replication',
  limitMs: LIMIT_MS,
  async run({ ground }) {
    await ground.admin.flush()
    const told = await ground.admin.counters()
    const bad = Object.entries(told.own).find(([name, value]) => !Number.isFinite(value) || name === '')
    expect(bad === undefined, () => `counters() gives ${String(bad?.[1])} for “${bad?.[0]}”, which is no number.`)
    const { conflictsReported, planted } = told
    expect(
      conflictsReported === null || (conflictsReported.count >= 0 && /\S+ \S+/.test(conflictsReported.meaning)),
      () => 'counters() gives a count of conflicts without a sentence on what it counts.',
    )
    expect(
      planted === undefined || planted.every((each) => each.standing <= each.rows && each.standing >= 0),
      () => 'counters() gives a planted fault with more rows that stand than were hit.',
    )
    expect(!JSON.stringify(told).includes(ground.plan.secret), () => 'counters() gives the secret away.')
    return conflictsReported === null ? 'no count of conflicts of its own' : undefined
  },
}

export const DIGEST_CHECKS: readonly Check[] = [digestShape, digestSees, selections, counters]
