// What becomes of concurrent writes: as is declared, in both orders of versions, whatever the operation.
import { OUTCOME } from '../../contract/outcome.ts'
import { OPERATION } from '../../contract/table.ts'
import { delay } from '../../lib/clock.ts'
import { differingBuckets } from '../../stages/digests.ts'
import { expect, outcomeName, unreadableOrAppends, type Check, type CheckContext } from '../check.ts'
import { batchOf, contentOf, sameBytes, type Row } from '../rows.ts'
import { withLinks } from './links.ts'

const LIMIT_MS = 60_000
const CONVERGES_WITHIN_MS = 20_000
const KEYS_EACH = 6

interface Conflict {
  readonly rows: readonly [Row, Row]
  readonly what: string
  /** Of each row, once it was written. */
  readonly outcomes: [number, number]
}

/** Concurrent pairs of the first two DCs: either the first or the second has the higher version, and either may be a delete. */
function conflictsOf({ ground, system }: CheckContext): Conflict[] {
  const shapes = [
    { operations: [OPERATION.upsert, OPERATION.upsert], what: 'two upserts' },
    { operations: [OPERATION.delete, OPERATION.upsert], what: 'a delete and an upsert' },
    { operations: [OPERATION.upsert, OPERATION.delete], what: 'an upsert and a delete' },
    { operations: [OPERATION.delete, OPERATION.delete], what: 'two deletes' },
    // Where nothing is resolved a row that both have inserted may well end the replication: nothing was promised.
    ...(system.replication.capabilities.conflicts === 'diverges'
      ? []
      : [{ operations: [OPERATION.insert, OPERATION.insert], what: 'two inserts' } as const]),
  ] as const
  return shapes.flatMap(({ operations, what }) =>
    ground.keys(KEYS_EACH, operations[0] === OPERATION.insert ? 'new' : 'loaded').map((key, i): Conflict => {
      const order = i % 2 === 0 ? [0, 1] : [1, 0]
      const made = new Map(order.map((dc) => [dc, ground.row(dc, key, { operation: operations[dc] })]))
      return { rows: [made.get(0) as Row, made.get(1) as Row], what, outcomes: [OUTCOME.pending, OUTCOME.pending] }
    }),
  )
}

/**
 * Writes both sides while the links hold everything, so that they are concurrent whatever the delay. A store that lets no conflict
 * happen may refuse a write that another stands against, or not know what became of it; any other must take all.
 */
async function collide({ ground, mode, system }: CheckContext, conflicts: readonly Conflict[]): Promise<void> {
  const { acknowledges, conflicts: declared } = system.replication.capabilities
  const sessions = await Promise.all([0, 1].map((dc) => ground.session(dc, mode.name)))
  const write = async (dc: 0 | 1) => {
    for (let i = 0; i < conflicts.length; i += mode.batchRows) {
      const part = conflicts.slice(i, i + mode.batchRows).toSorted((a, b) => a.rows[dc].key - b.rows[dc].key)
      const rows = part.map((conflict) => conflict.rows[dc])
      const { outcome, rowOutcomes } =
        declared === 'none'
          ? await ground.send(sessions[dc], batchOf(rows))
          : await ground.mustStore(sessions[dc], rows)
      part.forEach(({ outcomes }, row) => (outcomes[dc] = rowOutcomes?.[row] ?? outcome))
    }
  }
  const both = () => Promise.all([write(0), write(1)])
  await (acknowledges === 'local' ? withLinks(ground, 'hold', both) : both())
}

/** What every DC holds is one of the two writes, and not one that was refused; most writes were taken. */
async function checkTaken({ ground }: CheckContext, conflicts: readonly Conflict[]): Promise<string> {
  const all = conflicts.flatMap(({ outcomes }) => outcomes)
  const taken = all.filter((outcome) => outcome === OUTCOME.ok).length
  expect(
    taken >= all.length / 2,
    () =>
      `Of ${all.length} writes, two on each key at once, ${taken} were acknowledged: the rest were refused or unknown.`,
  )
  const held = await ground.held(
    0,
    conflicts.map(({ rows: [{ key }] }) => key),
  )
  for (const { rows, outcomes, what } of conflicts) {
    const dot = held.get(rows[0].key)?.dot ?? 0
    const possible = rows.filter((_, dc) => outcomes[dc] !== OUTCOME.fail)
    // A store without tombstones holds nothing after a delete.
    const isGone = dot === 0 && possible.some(({ operation }) => operation === OPERATION.delete)
    expect(
      isGone || possible.some((row) => row.dot === dot) || !outcomes.includes(OUTCOME.ok),
      () =>
        `After ${what} of key ${rows[0].key}, answered with ${outcomes.map(outcomeName).join(' and ')}, the row has dot ${dot}, and the writes ${rows.map((row) => row.dot).join(' and ')}.`,
    )
  }
  return taken === all.length ? '' : `; ${all.length - taken} of ${all.length} writes refused or unknown`
}

async function checkWinners({ ground }: CheckContext, conflicts: readonly Conflict[]): Promise<void> {
  const keys = conflicts.map(({ rows: [{ key }] }) => key)
  for (const { index, name } of ground.dcs) {
    const held = await ground.held(index, keys)
    for (const { rows, what } of conflicts) {
      const [winner, loser] = rows.toSorted((a, b) => b.version - a.version)
      const found = held.get(winner.key)
      const isGone = winner.operation === OPERATION.delete && found === undefined
      expect(
        isGone || found?.dot === winner.dot,
        () =>
          `After ${what} of key ${winner.key} ${name} holds dot ${found?.dot ?? 'none'}${found?.dot === loser.dot ? ', that of the lower version' : ''}: the write with the higher version has ${winner.dot}.`,
      )
      expect(
        isGone || sameBytes(found?.content ?? new Uint8Array(), contentOf(winner)),
        () => `After ${what} of key ${winner.key} ${name} holds the dot of one write and not its content.`,
      )
    }
  }
}

const conflicts: Check = {
  name: 'conflicts',
  sentence:
    'concurrent writes and deletes of a row end as declared: the higher version in every DC, a merge in every DC, or apart',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: unreadableOrAppends,
  async run(context) {
    const { ground, system, signal } = context
    const { capabilities } = system.replication
    const declared = capabilities.conflicts
    const pairs = conflictsOf(context)
    const keys = pairs.map(({ rows: [{ key }] }) => key)
    await collide(context, pairs)
    if (declared === 'diverges') {
      // Whatever is to arrive has arrived when the store has nothing left to replicate and nothing changes any more.
      const backlogGone = async () => (await ground.admin.backlog()).every(({ amount }) => amount === 0)
      await ground.until(() => 'After conflicts the backlog is not 0', backlogGone, CONVERGES_WITHIN_MS, signal)
      await delay(1000 + 4 * ground.delayMs, signal)
      const apart = differingBuckets(await ground.digests(keys, 4096)).length
      expect(
        apart > 0,
        () => `Of ${keys.length} rows in conflict none is different in two DCs, and “diverges” is declared.`,
      )
      return `${apart} of ${keys.length} rows apart, as declared`
    }
    const took = await ground.equal(keys, CONVERGES_WITHIN_MS, signal)
    // Equal for a moment may be by chance.
    await delay(2 * ground.delayMs + 50, signal)
    expect(
      differingBuckets(await ground.digests(keys)).length === 0,
      () => 'The DCs held the same rows after conflicts, and a round trip later no longer.',
    )
    if (declared === 'last-write-wins') await checkWinners(context, pairs)
    const refused = declared === 'none' ? await checkTaken(context, pairs) : ''
    return `${keys.length} rows equal after ${took.toFixed(0)} ms${refused}`
  },
}

const lateDelete: Check = {
  name: 'deletes-last',
  sentence: 'an older write that arrives after a delete does not bring the row back',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: (system, mode) =>
    unreadableOrAppends(system, mode) ??
    (system.replication.capabilities.conflicts === 'last-write-wins' &&
    system.replication.capabilities.acknowledges === 'local'
      ? undefined
      : 'it declares no last-write-wins with local acknowledgement'),
  async run(context) {
    const { ground, mode, signal } = context
    const [key] = ground.keys(1, 'new')
    const older = ground.row(1, key, { operation: OPERATION.insert })
    const remove = ground.row(0, key, { operation: OPERATION.delete })
    await withLinks(ground, 'hold', async () => {
      // A delete of a row that this DC has never seen must count all the same.
      await ground.mustStore(await ground.session(0, mode.name), [remove])
      await ground.mustStore(await ground.session(1, mode.name), [older])
    })
    await ground.equal([key], CONVERGES_WITHIN_MS, signal)
    await delay(2 * ground.delayMs + 50, signal)
    for (const { index, name } of ground.dcs) {
      const found = (await ground.held(index, [key])).get(key)
      expect(
        found === undefined || (found.dot === remove.dot && found.content.length === 0),
        () =>
          `Key ${key} was deleted with version ${remove.version}, an older write of version ${older.version} arrived later, and ${name} holds it with content again.`,
      )
    }
    return undefined
  },
}

export const CONFLICT_CHECKS: readonly Check[] = [conflicts, lateDelete]
