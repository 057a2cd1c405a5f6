// Every operation, at home and as it arrives elsewhere: upsert, insert, delete and increment.
import { OUTCOME } from '../../contract/outcome.ts'
import { OPERATION } from '../../contract/table.ts'
import { expect, unreadable, unreadableOrAppends, type Check, type CheckContext, outcomeName } from '../check.ts'
import { batchOf, contentOf, sameBytes, type Row } from '../rows.ts'

const LIMIT_MS = 30_000
const ARRIVES_WITHIN_MS = 15_000
const HOME = 0

/** Each of `rows` is what its DC holds, a deleted one as a tombstone or not at all. */
async function compare({ ground }: CheckContext, dc: number, rows: readonly Row[]): Promise<void> {
  const held = await ground.held(
    dc,
    rows.map(({ key }) => key),
  )
  for (const row of rows) {
    const found = held.get(row.key)
    const where = `key ${row.key} in ${ground.dcNames[dc]}`
    if (row.operation === OPERATION.delete) {
      expect(
        found === undefined || found.content.length === 0,
        () => `A delete of ${where} was acknowledged, and the row still has content.`,
      )
      expect(
        found === undefined || found.dot === row.dot,
        () => `A delete of ${where} was acknowledged, and its tombstone has dot ${found?.dot} instead of ${row.dot}.`,
      )
    } else {
      expect(
        found?.dot === row.dot && sameBytes(found.content, contentOf(row)),
        () => `The last write of ${where} has dot ${row.dot}; the row has ${found?.dot ?? 'none'} or another content.`,
      )
    }
  }
}

const arrived = (context: CheckContext, keys: readonly number[]) =>
  context.ground.equal(keys, ARRIVES_WITHIN_MS, context.signal)

/** Writes batches one after another, and compares here and, when it has arrived, there. */
async function writeEach(context: CheckContext, batches: readonly (readonly Row[])[]): Promise<void> {
  const session = await context.ground.session(HOME, context.mode.name)
  for (const batch of batches) {
    await context.ground.mustStore(session, batch)
    await compare(context, HOME, batch)
    await arrived(
      context,
      batch.map(({ key }) => key),
    )
    for (const { index } of context.ground.dcs) await compare(context, index, batch)
  }
}

const batchRowsOf = (mixed: readonly Row[], single: boolean): readonly (readonly Row[])[] =>
  single ? mixed.map((row) => [row]) : [mixed]

const operations: Check = {
  name: 'operations',
  sentence: 'upserts, inserts and deletes in one batch are each done, at home at once and elsewhere when they arrive',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadableOrAppends,
  async run(context) {
    const { ground, mode } = context
    const [updated, deleted] = ground.keys(2, 'loaded')
    const [inserted] = ground.keys(1, 'new')
    await writeEach(
      context,
      batchRowsOf(
        [
          ground.row(HOME, updated),
          ground.row(HOME, deleted, { operation: OPERATION.delete }),
          ground.row(HOME, inserted, { operation: OPERATION.insert }),
        ],
        mode.batchRows === 1,
      ),
    )
    return undefined
  },
}

const deletes: Check = {
  name: 'deletes',
  sentence: 'a delete leaves a tombstone with its dot, or no row, in every DC; a later write brings the row back',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadableOrAppends,
  async run(context) {
    const { ground } = context
    const [loaded] = ground.keys(1, 'loaded')
    const [fresh] = ground.keys(1, 'new')
    const each = (operation: number) => [
      ground.row(HOME, loaded, { operation }),
      ground.row(HOME, fresh, { operation }),
    ]
    const batches = [OPERATION.insert, OPERATION.delete, OPERATION.upsert, OPERATION.delete, OPERATION.delete].map(
      (operation) => each(operation),
    )
    await writeEach(context, batches.slice(0, 2))
    const { dots } = await (await ground.reader(HOME)).read(Float64Array.of(fresh))
    await writeEach(context, batches.slice(2))
    return dots[0] === 0 ? 'deleted rows are gone' : 'tombstones'
  },
}

const increments: Check = {
  name: 'increments',
  sentence:
    'an increment adds to the counter that the row holds, from 0 where there is none, and sets the other columns',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: (system, mode) =>
    unreadableOrAppends(system, mode) ??
    (system.replication.capabilities.increments === true ? undefined : 'it declares no increments'),
  async run(context) {
    const { ground, mode } = context
    const session = await ground.session(HOME, mode.name)
    const [onLoaded] = ground.keys(1, 'loaded')
    const [onNew, onDeleted] = ground.keys(2, 'new')
    const write = (key: number, operation: number, tally: number) =>
      ground.row(HOME, key, { operation, values: { tally } })
    const first = [write(onLoaded, OPERATION.upsert, 7), write(onDeleted, OPERATION.insert, 500)]
    await ground.mustStore(session, first)
    await ground.mustStore(session, [write(onDeleted, OPERATION.delete, 0)])
    const sums = new Map([
      [onLoaded, 7],
      [onNew, 0],
      [onDeleted, 0],
    ])
    let last: Row[] = []
    for (const added of [5, 0, 11]) {
      last = [...sums.keys()].toSorted((a, b) => a - b).map((key) => write(key, OPERATION.increment, added))
      await ground.mustStore(session, last)
      for (const [key, sum] of sums) sums.set(key, sum + added)
    }
    const wanted = last.map((row) => ({
      ...row,
      operation: OPERATION.upsert,
      values: { ...row.values, tally: sums.get(row.key) ?? 0 },
    }))
    await compare(context, HOME, wanted)
    await arrived(context, [...sums.keys()])
    for (const { index } of ground.dcs) await compare(context, index, wanted)
    return undefined
  },
}

const refusesIncrements: Check = {
  name: 'refuses-increments',
  sentence: 'without increments declared one is refused, and what was refused did not happen',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: (system, mode) =>
    unreadableOrAppends(system, mode) ??
    (system.replication.capabilities.increments === true ? 'it declares increments' : undefined),
  async run({ ground, mode }) {
    const [key] = ground.keys(1, 'loaded')
    const row = ground.row(HOME, key, { operation: OPERATION.increment })
    const before = await ground.held(HOME, [key])
    const { outcome, rowOutcomes } = await ground.send(await ground.session(HOME, mode.name), batchOf([row]))
    const said = rowOutcomes?.[0] ?? outcome
    expect(
      said === OUTCOME.fail,
      () => `An increment was answered with ${outcomeName(said)}, where it is not declared: it must be fail.`,
    )
    const after = await ground.held(HOME, [key])
    expect(
      after.get(key)?.dot === before.get(key)?.dot,
      () => `An increment of key ${key} was refused, and the row has its dot.`,
    )
    return undefined
  },
}

const onlyInserts: Check = {
  name: 'only-inserts',
  sentence: 'a mode that can only insert refuses a row that is there, and leaves it as it was',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: (system, mode) =>
    unreadable(system) ?? (mode.appendsOnly === true ? undefined : 'the mode writes rows that are there'),
  async run({ ground, mode }) {
    const [key] = ground.keys(1, 'loaded')
    const before = await ground.held(HOME, [key])
    const row = ground.row(HOME, key, { operation: OPERATION.insert })
    const result = await ground.send(await ground.session(HOME, mode.name), batchOf([row]))
    const after = await ground.held(HOME, [key])
    expect(
      (result.rowOutcomes?.[0] ?? result.outcome) === OUTCOME.fail,
      () =>
        `An insert of key ${key}, which is there, was answered with ${outcomeName(result.outcome)} instead of fail.`,
    )
    expect(
      before.get(key)?.dot === after.get(key)?.dot,
      () => `An insert of key ${key} failed, and the row is another one.`,
    )
    return undefined
  },
}

export const OPERATION_CHECKS: readonly Check[] = [operations, onlyInserts, deletes, increments, refusesIncrements]
