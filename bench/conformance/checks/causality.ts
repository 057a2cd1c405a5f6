// Exact causality: in a scripted history, in which every arrival is awaited, each write says what it replaced and what it had seen.
import { OPERATION } from '../../contract/table.ts'
import { delay } from '../../lib/clock.ts'
import { expect, type Check, type CheckContext } from '../check.ts'
import type { Row } from '../rows.ts'
import { withLinks } from './links.ts'

const LIMIT_MS = 60_000
const ARRIVES_WITHIN_MS = 15_000

/** Writes one row and compares what it says of the row that it found: the dot replaced, and the latest dot of each DC taken in. */
async function writeOver(
  { ground, mode }: CheckContext,
  row: Row,
  dc: number,
  replaced: number,
  found: readonly number[],
) {
  const { overwrote, seen } = await ground.mustStore(await ground.session(dc, mode.name), [row])
  const who = `A write of key ${row.key} in ${ground.dcNames[dc]}`
  expect(overwrote !== undefined, () => `${who} does not say what it overwrote, with exact causality asked for.`)
  expect(seen !== undefined, () => `${who} does not say what it had seen, with exact causality asked for.`)
  expect(overwrote[0] === replaced, () => `${who} says that it overwrote dot ${overwrote[0]}, and it was ${replaced}.`)
  const told = [...seen.subarray(0, found.length)]
  expect(
    told.every((dot, d) => dot === found[d]),
    () => `${who} says that it had seen ${told.join(', ')}, DC by DC, and it was ${found.join(', ')}.`,
  )
}

/** Waits until every DC holds what has joined, and compares the vector of the row. */
async function joined({ ground, signal }: CheckContext, key: number, vector: readonly number[]): Promise<void> {
  let last = ''
  for (const { index, name } of ground.dcs) {
    const reader = await ground.reader(index)
    await ground.until(
      () => `The version vector of key ${key} in ${name} is ${last}, where ${vector.join(', ')} was written,`,
      async () => {
        const { seen } = await reader.read(Float64Array.of(key))
        expect(seen !== undefined, () => `A read of ${name} gives no version vectors, with exact causality asked for.`)
        last = seen.join(', ')
        return vector.every((dot, d) => seen[d] === dot)
      },
      ARRIVES_WITHIN_MS,
      signal,
    )
  }
}

const causality: Check = {
  name: 'causality',
  sentence:
    'with exact causality each write says which dot it replaced and what it had seen, and vectors join whatever wins',
  level: 'exact',
  limitMs: LIMIT_MS,
  async run(context) {
    const { ground, signal } = context
    const [key] = ground.keys(1, 'new')
    const others = ground.dcs.slice(2).map(() => 0)
    const write = (dc: number, operation: number = OPERATION.upsert) => ground.row(dc, key, { operation })
    const vector = (a: number, b: number) => [a, b, ...others]
    const a1 = write(0, OPERATION.insert)
    await writeOver(context, a1, 0, 0, vector(0, 0))
    await joined(context, key, vector(a1.dot, 0))
    const a2 = write(0)
    await writeOver(context, a2, 0, a1.dot, vector(a1.dot, 0))
    await joined(context, key, vector(a2.dot, 0))
    const b1 = write(1)
    await writeOver(context, b1, 1, a2.dot, vector(a2.dot, 0))
    await joined(context, key, vector(a2.dot, b1.dot))
    // Concurrent, in both orders: the one that is beaten leaves its trace in the vector of the one that wins.
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const before = (await (await ground.reader(0)).read(Float64Array.of(key))).seen ?? new Float64Array()
      const held = (await ground.held(0, [key])).get(key)?.dot ?? 0
      const [lower, higher] = order.map((dc) => ({ dc, row: write(dc) }))
      await withLinks(ground, 'hold', async () => {
        for (const { dc, row } of [higher, lower]) await writeOver(context, row, dc, held, vector(before[0], before[1]))
        await delay(50, signal)
      })
      const dots = [lower, higher].toSorted((a, b) => a.dc - b.dc).map(({ row }) => row.dot)
      await joined(context, key, vector(dots[0], dots[1]))
      for (const { index, name } of ground.dcs) {
        const found = (await ground.held(index, [key])).get(key)?.dot
        expect(
          found === higher.row.dot,
          () => `After concurrent writes ${name} holds dot ${found}, not that of the higher version.`,
        )
      }
      const after = write(lower.dc)
      await writeOver(context, after, lower.dc, higher.row.dot, vector(dots[0], dots[1]))
      const past = [...dots]
      past[lower.dc] = after.dot
      await joined(context, key, vector(past[0], past[1]))
    }
    return undefined
  },
}

const causalDeletes: Check = {
  name: 'causality-deletes',
  sentence: 'with exact causality deletes are writes like others: they replace, are replaced, and carry a vector',
  level: 'exact',
  limitMs: LIMIT_MS,
  async run(context) {
    const { ground } = context
    const [key] = ground.keys(1, 'new')
    const others = ground.dcs.slice(2).map(() => 0)
    const first = ground.row(0, key, { operation: OPERATION.insert })
    await writeOver(context, first, 0, 0, [0, 0, ...others])
    await joined(context, key, [first.dot, 0, ...others])
    const remove = ground.row(1, key, { operation: OPERATION.delete })
    await writeOver(context, remove, 1, first.dot, [first.dot, 0, ...others])
    await joined(context, key, [first.dot, remove.dot, ...others])
    const again = ground.row(0, key)
    await writeOver(context, again, 0, remove.dot, [first.dot, remove.dot, ...others])
    await joined(context, key, [again.dot, remove.dot, ...others])
    return undefined
  },
}

export const CAUSALITY_CHECKS: readonly Check[] = [causality, causalDeletes]
