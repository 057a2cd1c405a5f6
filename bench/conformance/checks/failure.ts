// What a session says when its store stands still or is gone, and what is there afterwards. These come last: they stop and kill services.
import type { Session } from '../../contract/driver.ts'
import { OUTCOME } from '../../contract/outcome.ts'
import { OPERATION } from '../../contract/table.ts'
import { delay } from '../../lib/clock.ts'
import { expect, Fault, Skipped, unreadable, type Check, type CheckContext, outcomeName } from '../check.ts'
import { batchOf, contentOf, sameBytes, type Row } from '../rows.ts'

const LIMIT_MS = 90_000
const TIMEOUT_MS = 800
/** How much later than its timeout a write may answer on a busy machine. */
const LATE_MS = 1500
const ABORT_MS = 300
const SETTLES_WITHIN_MS = 3000
const COMES_BACK_WITHIN_MS = 30_000
const HIT = 1

/** The stores of the DC that is hit; a system without any has nothing that could fail. */
function storesOf({ ground, system }: CheckContext): string[] {
  const { name } = ground.dcs[HIT]
  const services = system.entry.driver.services(ground.plan)
  const stores = services.filter(({ dc, role }) => dc === name && role === 'store').map((service) => service.name)
  if (stores.length === 0) throw new Skipped(`it has no store service in ${name} that could be stopped`)
  return stores
}

/** A writer's session in the DC that is hit, which does not wait for long. */
function openImpatient({ ground, mode }: CheckContext): Promise<Session> {
  return ground.openSession(HIT, { mode: mode.name, purpose: 'write', timeoutMs: TIMEOUT_MS }, ground.signal)
}

/** Sends one row to a store that cannot answer; it must say so within its timeout. */
async function writeInVain({ ground }: CheckContext, session: Session, row: Row, why: string): Promise<number> {
  const fromMs = performance.now()
  const result = await ground.send(session, batchOf([row]))
  const tookMs = performance.now() - fromMs
  const outcome = result.rowOutcomes?.[0] ?? result.outcome
  expect(outcome !== OUTCOME.ok, () => `A write was acknowledged while ${why}.`)
  expect(
    tookMs <= TIMEOUT_MS + LATE_MS,
    () => `A write with a timeout of ${TIMEOUT_MS} ms was answered after ${tookMs.toFixed(0)} ms while ${why}.`,
  )
  expect(
    (result.error ?? '') !== '',
    () => `A write was answered with ${outcomeName(outcome)} while ${why}, and gives no word for why.`,
  )
  return outcome
}

/** Writes until one is acknowledged again. */
async function comesBack(context: CheckContext, session: Session): Promise<void> {
  const { ground, signal } = context
  let last = ''
  await ground.until(
    () => `The session is not acknowledged a write again (${last})`,
    async () => {
      const row = ground.row(HIT, ground.keys(1, 'new')[0], { operation: OPERATION.insert })
      const { outcome, error } = await ground.send(session, batchOf([row]))
      last = error ?? outcomeName(outcome)
      return outcome === OUTCOME.ok
    },
    COMES_BACK_WITHIN_MS,
    signal,
  )
}

/** What was refused for certain is not there; what is unknown is there whole or not at all. */
async function checkUnknown({ ground }: CheckContext, row: Row, outcome: number): Promise<string> {
  const found = (await ground.held(HIT, [row.key])).get(row.key)
  const happened = found?.dot === row.dot
  expect(
    !(happened && outcome === OUTCOME.fail),
    () => `A write was answered with fail, “certainly did not happen”, and key ${row.key} holds it.`,
  )
  expect(
    !happened || sameBytes(found.content, contentOf(row)),
    () => `A write whose outcome was unknown is there with another content than it had.`,
  )
  return `${outcomeName(outcome)}, ${happened ? 'and it happened' : 'and it did not happen'}`
}

const timeouts: Check = {
  name: 'timeouts',
  sentence: 'a store that stands still makes a write unknown within its timeout; when it goes on, so does the session',
  level: 'last',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground, signal } = context
    const stores = storesOf(context)
    const faults = ground.house.faultGround()
    await using session = await openImpatient(context)
    await comesBack(context, session)
    const row = ground.row(HIT, ground.keys(1, 'new')[0], { operation: OPERATION.insert })
    for (const store of stores) await faults.pause(store)
    let outcome: number
    try {
      outcome = await writeInVain(context, session, row, 'the store stood still')
    } finally {
      for (const store of stores) await faults.resume(store)
    }
    await comesBack(context, session)
    // Whatever the store had in hand when it was stopped has been done by now.
    await delay(1000, signal)
    return checkUnknown(context, row, outcome)
  },
}

const aborts: Check = {
  name: 'aborts',
  sentence: 'opening a session or an admin ends soon after it is given up, also while the store stands still',
  level: 'last',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground, mode, system, signal } = context
    const { driver } = system.entry
    const stores = storesOf(context)
    const faults = ground.house.faultGround()
    const openings = {
      'open()': (giveUp: AbortSignal): Promise<AsyncDisposable> =>
        ground.openSession(HIT, { mode: mode.name, purpose: 'write', timeoutMs: 60_000 }, giveUp),
      'admin()': (giveUp: AbortSignal): Promise<AsyncDisposable> =>
        driver.admin(ground.house.endpoints(), ground.plan, giveUp),
    }
    for (const store of stores) await faults.pause(store)
    try {
      for (const [what, open] of Object.entries(openings)) {
        const opening = open(AbortSignal.timeout(ABORT_MS)).then(
          (opened) => opened[Symbol.asyncDispose](),
          () => undefined,
        )
        const late = delay(ABORT_MS + SETTLES_WITHIN_MS, signal).then(() => {
          throw new Fault(
            `${what} was given up after ${ABORT_MS} ms while the store stood still, and had not ended ${SETTLES_WITHIN_MS / 1000} s later.`,
          )
        })
        await Promise.race([opening, late])
        late.catch(() => undefined)
      }
    } finally {
      for (const store of stores) await faults.resume(store)
    }
    return undefined
  },
}

const killed: Check = {
  name: 'survives-kill',
  sentence:
    'a killed store makes writes fail or unknown; started again, it is written to again, and holds what it acknowledged if it says so',
  level: 'last',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground, mode, signal } = context
    const stores = storesOf(context)
    const faults = ground.house.faultGround()
    const rows = ground.keys(50, 'new').map((key) => ground.row(HIT, key, { operation: OPERATION.insert }))
    await using session = await openImpatient(context)
    await comesBack(context, session)
    for (let i = 0; i < rows.length; i += mode.batchRows) {
      await ground.mustStore(await ground.session(HIT, mode.name), rows.slice(i, i + mode.batchRows))
    }
    await Promise.all(stores.map((store) => faults.kill(store)))
    const row = ground.row(HIT, ground.keys(1, 'new')[0], { operation: OPERATION.insert })
    const outcome = await writeInVain(context, session, row, 'the store was killed')
    await Promise.all(stores.map((store) => faults.start(store, ground.signal)))
    await comesBack(context, session)
    const unknown = await checkUnknown(context, row, outcome)
    if (ground.store.survivesKill !== true) return `${unknown}; it does not say that acknowledged rows survive`
    const keys = rows.map(({ key }) => key)
    const held = await ground.held(HIT, keys)
    const lost = rows.filter(({ key, dot }) => held.get(key)?.dot !== dot)
    expect(
      lost.length === 0,
      () =>
        `${lost.length} of ${rows.length} acknowledged rows are gone after a kill, and describe() says that they survive it.`,
    )
    expect(
      rows.every((each) => sameBytes(held.get(each.key)?.content ?? new Uint8Array(), contentOf(each))),
      () => 'Acknowledged rows have another content after a kill.',
    )
    await ground.equal(keys, COMES_BACK_WITHIN_MS, signal)
    return `${unknown}; all ${rows.length} acknowledged rows are there, in every DC`
  },
}

export const FAILURE_CHECKS: readonly Check[] = [timeouts, aborts, killed]
