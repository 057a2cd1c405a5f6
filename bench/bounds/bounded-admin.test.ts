// Every answer of an admin that never comes, comes late, or keeps the thread to itself; and that what works is left alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Admin, DeployPlan, Driver, Joining, RowSource, RowStates } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { LIMITS, tableLimitMs } from '../contract/limits.ts'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { openAdmin } from './bounded-admin.ts'
import type { Whose } from './whose.ts'

const ANSWER_MS = 60
const TABLE_MS = 90
const CLOSE_MS = 40
const ROWS = 1000
const whose: Whose = {
  name: './mine.ts',
  isOutside: true,
  limits: { ...LIMITS, answerMs: ANSWER_MS, tableMs: TABLE_MS - 10, tableUsPerRow: 10, closeMs: CLOSE_MS },
}
const never = (): Promise<never> => new Promise(() => undefined)
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const loop = () => {
  for (;;);
}

const block: RowStates = {
  count: 0,
  keys: new Float64Array(0),
  dots: new Float64Array(0),
  versions: new Float64Array(0),
  contents: [],
}
const healthy: Admin = {
  describe: async () => ({ version: '1', durability: 'none', settings: {} }),
  prepare: async () => undefined,
  load: async () => undefined,
  replicate: async () => undefined,
  backlog: async () => [],
  digest: never,
  async *rows() {
    yield block
    yield block
  },
  counters: async () => ({ conflictsReported: null, own: {} }),
  flush: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}

const plan = { table: { name: 't', rows: ROWS, columns: [] } } as unknown as DeployPlan

async function opened(own: Partial<Admin>, of: Whose = whose): Promise<Admin> {
  const driver = { admin: async () => ({ ...healthy, ...own }) } as unknown as Driver
  return openAdmin(driver, of, {}, plan, new AbortController().signal)
}

const batch: RowBatch = {
  count: 1,
  keys: Float64Array.of(0),
  dots: Float64Array.of(1),
  versions: Float64Array.of(16),
  operations: Uint8Array.of(OPERATION.insert),
  columns: [],
  atomic: false,
}
const source: RowSource = () => [batch, batch]

async function readAll(admin: Admin): Promise<number> {
  let blocks = 0
  for await (const _ of admin.rows('dc', { bucket: 0, buckets: 1 })) blocks++
  return blocks
}

const ASKED: readonly (readonly [method: string, ask: (admin: Admin) => Promise<unknown>, limitMs: number])[] = [
  ['describe', (admin) => admin.describe(), ANSWER_MS],
  ['backlog', (admin) => admin.backlog(), ANSWER_MS],
  ['counters', (admin) => admin.counters(), ANSWER_MS],
  ['remove', async (admin) => admin.remove?.(), ANSWER_MS],
  ['prepare', (admin) => admin.prepare(), TABLE_MS],
  ['replicate', (admin) => admin.replicate({} as Joining), TABLE_MS],
  ['digest', (admin) => admin.digest('dc', { buckets: 1 }), TABLE_MS],
  ['flush', (admin) => admin.flush(), TABLE_MS],
]

for (const [method, ask, limitMs] of ASKED) {
  test(`${method}() that does not answer, be it a promise or a loop, is told after its bound`, async () => {
    for (const hang of [never, loop]) {
      const admin = await opened({ [method]: hang })
      const startedMs = performance.now()
      await assert.rejects(ask(admin), (error: unknown) => {
        assert.ok(error instanceof BenchError)
        assert.equal(error.code, 'STORE')
        const seconds = `${limitMs / 1000} s`
        assert.equal(
          error.message,
          `./mine.ts has not answered its ${method}() for ${seconds} and is waited for no longer: it must end in time, or fail and say why.`,
        )
        return true
      })
      assert.ok(performance.now() - startedMs >= limitMs - 1)
    }
  })
}

test('loading may take as long as it likes while rows are taken or told of, and is late when neither happens', async () => {
  const slow = await opened({
    async load(rows, progress) {
      for (const one of rows()) {
        await later(TABLE_MS * 0.6)
        progress(one.count)
        await later(TABLE_MS * 0.6)
      }
    },
  })
  const startedMs = performance.now()
  await slow.load(source, () => undefined)
  assert.ok(performance.now() - startedMs > 2 * TABLE_MS)
  const told: number[] = []
  const stuck = await opened({
    load(_, progress) {
      progress(1)
      return never()
    },
  })
  await assert.rejects(
    stuck.load(source, (rows) => told.push(rows)),
    { code: 'STORE', message: /^\.\/mine\.ts has not taken or loaded a row in its load\(\) for 0\.09 s and/ },
  )
  assert.deepEqual(told, [1])
})

test('blocks of rows come one by one, the second may hang, and a reader that stops closes the reading', async () => {
  assert.equal(await readAll(await opened({})), 2)
  const hanging = await opened({
    async *rows() {
      yield block
      await never()
    },
  })
  await assert.rejects(readAll(hanging), { code: 'STORE', message: /answered its rows\(\)/ })
  let isClosed = false
  const admin = await opened({
    async *rows() {
      try {
        yield block
        yield block
      } finally {
        isClosed = true
      }
    },
  })
  for await (const _ of admin.rows('dc', { bucket: 0, buckets: 1 })) break
  assert.ok(isClosed)
})

test('an admin that opens too late is closed when it comes, and its signal is aborted', async () => {
  const closed = Promise.withResolvers<void>()
  const admin: Admin = { ...healthy, [Symbol.asyncDispose]: async () => closed.resolve() }
  const driver = {
    admin: (_endpoints: unknown, _plan: unknown, signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(admin))),
  } as unknown as Driver
  const opening = openAdmin(driver, whose, {}, plan, new AbortController().signal)
  await assert.rejects(opening, { code: 'STORE', message: /answered its admin\(\) for 0\.06 s/ })
  await closed.promise
})

test('closing is bounded, and a driver of the tree is told by its name', async () => {
  const admin = await opened(
    { [Symbol.asyncDispose]: never },
    { ...whose, name: 'The driver postgres', isOutside: false },
  )
  await assert.rejects(async () => admin[Symbol.asyncDispose](), {
    message:
      'The driver postgres has not closed its admin for 0.04 s and is waited for no longer: its servers stand still or are overloaded; their logs may say why.',
  })
})

test('the bound of what goes through the table grows with its rows, and is above what the drivers of the tree allow themselves', () => {
  // The node of lsm and memory: 60 s and 50 µs a row; the flush of cassandra: 300 s.
  for (const rows of [1, 1e6, 1e9]) assert.ok(tableLimitMs(LIMITS, rows) > Math.max(300_000, 60_000 + rows * 0.05))
})
