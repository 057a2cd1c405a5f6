// How writes reach the other DCs: through the link and not before its delay, and counted as backlog.
import { OPERATION } from '../../contract/table.ts'
import { delay, nowUs } from '../../lib/clock.ts'
import { expect, unreadable, type Check, type CheckContext } from '../check.ts'
import type { System } from '../../systems.ts'
import { withLinks } from './links.ts'

const LIMIT_MS = 60_000
const ARRIVES_WITHIN_MS = 15_000
/** Stores that give up on a link for a while keep what they owe, and look again tens of seconds later. */
const HANDED_ON_WITHIN_MS = 40_000
/** Clocks and timers may be early by a little; what bypasses a link is early by the whole delay. */
const EARLY_MS = 0.5
const HOLD_MS = 700

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

const localOnly = (system: System): string | undefined =>
  unreadable(system) ??
  (system.replication.capabilities.acknowledges === 'local'
    ? undefined
    : 'a write is not acknowledged while the links are cut')

/** Writes one row in DC `from` and looks for it in DC `to`: times of the send, the acknowledgement and the first read that shows it, in µs. */
async function cross({ ground, mode, signal }: CheckContext, from: number, to: number) {
  const session = await ground.session(from, mode.name)
  const reader = await ground.reader(to)
  const [key] = ground.keys(1, 'new')
  const row = ground.row(from, key, { operation: OPERATION.insert })
  const sentUs = nowUs()
  await ground.mustStore(session, [row])
  const ackedUs = nowUs()
  await ground.until(
    () => `A write of ${ground.dcNames[from]} is not visible in ${ground.dcNames[to]}`,
    async () => (await reader.read(Float64Array.of(key))).dots[0] === row.dot,
    ARRIVES_WITHIN_MS,
    signal,
  )
  return { sentUs, ackedUs, shownUs: nowUs() }
}

/** Every directed link, by the indices of its DCs. */
const linksOf = ({ ground }: CheckContext) =>
  ground.topology.links.map(({ from, to }) => [ground.dcNames.indexOf(from), ground.dcNames.indexOf(to)] as const)

async function shortestCrossing(context: CheckContext, writes: number): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY
  for (const [from, to] of linksOf(context)) {
    for (let i = 0; i < writes; i++) {
      const { sentUs, shownUs } = await cross(context, from, to)
      shortest = Math.min(shortest, (shownUs - sentUs) / 1000)
    }
  }
  return shortest
}

const throughTheLink: Check = {
  name: 'through-the-link',
  sentence:
    'a write becomes visible in the other DCs, never before the delay of the link, and later when the link is made slower',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground } = context
    const shortest = await shortestCrossing(context, 4)
    expect(
      shortest >= ground.delayMs - EARLY_MS,
      () =>
        `A write was visible in another DC ${shortest.toFixed(1)} ms after it was sent, over a link of ${ground.delayMs} ms: it did not go through the link.`,
    )
    const slowMs = ground.delayMs + 120
    const slow = await withLinks(ground, { delayMs: slowMs }, () => shortestCrossing(context, 1))
    expect(
      slow >= slowMs - EARLY_MS,
      () =>
        `A write was visible in another DC ${slow.toFixed(1)} ms after it was sent, over a link made ${slowMs} ms long: it did not go through the link.`,
    )
    return `visible after ${shortest.toFixed(1)} ms over ${ground.delayMs} ms, ${slow.toFixed(1)} ms over ${slowMs} ms`
  },
}

const acknowledges: Check = {
  name: 'acknowledges',
  sentence:
    'a write is acknowledged by as much as is declared: at home in less than a WAN round trip, or when a quorum or all DCs show it',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground, mode, system } = context
    const declared = system.replication.capabilities.acknowledges
    const session = await ground.session(0, mode.name)
    const readers = await Promise.all(ground.dcs.map(({ index }) => ground.reader(index)))
    const tookMs: number[] = []
    for (let i = 0; i < 7; i++) {
      const [key] = ground.keys(1, 'new')
      const row = ground.row(0, key, { operation: OPERATION.insert })
      const fromMs = performance.now()
      await ground.mustStore(session, [row])
      tookMs.push(performance.now() - fromMs)
      if (declared === 'local') continue
      const reads = await Promise.all(readers.map((reader) => reader.read(Float64Array.of(key))))
      const showing = reads.filter(({ dots }) => dots[0] === row.dot).length
      const needed = declared === 'all' ? ground.dcs.length : Math.floor(ground.dcs.length / 2) + 1
      expect(
        showing >= needed,
        () =>
          `A write was acknowledged and is visible in ${showing} of ${ground.dcs.length} DCs, where “${declared}” is declared.`,
      )
    }
    const took = median(tookMs)
    expect(
      declared !== 'local' || took < 2 * ground.delayMs,
      () =>
        `Writes are acknowledged after ${took.toFixed(1)} ms, a WAN round trip (${2 * ground.delayMs} ms) or more, where “local” is declared.`,
    )
    return `${declared}, after ${took.toFixed(1)} ms`
  },
}

const backlog: Check = {
  name: 'backlog',
  sentence:
    'while a link is cut nothing crosses it and the backlog says so; whole again, all arrives and the backlog is 0',
  level: 'replication',
  limitMs: 150_000,
  skip: localOnly,
  async run(context) {
    const { ground, mode, signal } = context
    const { admin, dcNames } = ground
    const rest = () =>
      ground.until(
        () => 'The backlog at rest is not 0',
        async () => (await admin.backlog()).every(({ amount }) => amount === 0),
        HANDED_ON_WITHIN_MS,
        signal,
      )
    await rest()
    const atRest = await admin.backlog()
    for (const { from, to } of ground.topology.links) {
      expect(
        atRest.some((each) => each.from === from && each.to === to),
        () => `backlog() says nothing of the link from ${from} to ${to}.`,
      )
    }
    const rows = ground.keys(200, 'new').map((key) => ground.row(0, key, { operation: OPERATION.insert }))
    const keys = rows.map(({ key }) => key)
    let largest = 0
    await withLinks(ground, 'hold', async () => {
      const session = await ground.session(0, mode.name)
      for (let i = 0; i < rows.length; i += mode.batchRows)
        await ground.mustStore(session, rows.slice(i, i + mode.batchRows))
      await delay(HOLD_MS, signal)
      for (const each of await admin.backlog()) if (each.from === dcNames[0]) largest = Math.max(largest, each.amount)
      const { dots } = await (await ground.reader(1)).read(Float64Array.from(keys))
      expect(
        dots.every((dot) => dot === 0),
        () =>
          `${dots.filter((dot) => dot !== 0).length} of ${rows.length} writes were visible in ${dcNames[1]} while every link was cut: they did not go through the link.`,
      )
    })
    expect(
      largest > 0,
      () =>
        `${rows.length} rows were written while every link was cut, and backlog() said that nothing was left to replicate from ${dcNames[0]}.`,
    )
    await ground.equal(keys, HANDED_ON_WITHIN_MS, signal)
    await rest()
    return `${largest} ${atRest[0].unit} for ${rows.length} rows`
  },
}

export const ARRIVAL_CHECKS: readonly Check[] = [throughTheLink, backlog, acknowledges]
