// Drivers and workloads from outside, as a user's folder may hold them: complete ones, broken ones, and ones that never end.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { LIMITS } from './contract/limits.ts'
import { withEither, withOutside } from './outside.ts'

const folder = mkdtempSync(join(tmpdir(), 'geowrite-outside-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const inTree = { drivers, workloads }

const DRIVER = `{
  name: 'mine', summary: 's', settings: [{ name: 'x', meaning: 'm', type: 'text', default: '' }],
  replications: [{ name: 'r', meaning: 'm', capabilities:
    { conflicts: 'none', acknowledges: 'local', ordered: false, transactions: false, readable: false } }],
  modes: [{ name: 'batch', meaning: 'm', batchRows: 10, inFlight: 1, writers: 1 }],
  missing: async () => undefined, services: () => [], open: async () => { throw new Error('no door') },
  admin: async () => ({ describe: async () => { throw new Error('shy') },
    prepare() {}, load() {}, replicate() {}, backlog() {}, digest() {}, counters() {}, flush() {}, async [Symbol.asyncDispose]() {},
    async *rows() { const none = new Float64Array(0)
      yield { count: 0, keys: none, dots: none, versions: none, contents: [] }; throw new Error('torn') } }),
  bytesPerRow: () => 1 }`
const WORKLOAD = `{
  name: 'flow', summary: 's', meaning: 'm', appends: false,
  optionMeanings: { rows: 'a', overlap: 'a', skew: 'a', distribution: 'a', deletes: 'a' },
  defaults: { rows: 100, overlap: 0, skew: 0, distribution: 'uniform', deletes: 0 },
  table: ({ rows }) => ({ name: 'flow', rows, columns: [{ name: 'n', type: 'int', min: 0, max: 9 }] }),
  stream: () => { let turn = 0; return { next(count, keys, operations) {
    for (let i = 0; i < count; i++) { keys[i] = turn++ % 100; operations[i] = 1 } } } } }`

/** Writes a module and returns how a user would name it. */
function module(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return `./${name}`
}

async function load(options: Readonly<Record<string, unknown>>, importLimitMs = 10_000) {
  return withOutside(parseScenario({ driver: 'noop', ...options }), inTree, { folder, importLimitMs })
}

test('a driver and a workload are loaded by path, beside those of the tree, and named by their own names', async () => {
  const driver = module('mine.ts', `export const anything = 1\nexport const mine = ${DRIVER}`)
  const workload = module('flow.ts', `const flow = ${WORKLOAD}\nexport { flow, flow as alias }`)
  const { scenario, registry } = await load({ driver: ['lsm', driver, 'noop'], workload })
  assert.deepEqual(scenario.drivers, ['lsm', 'mine', 'noop'])
  assert.equal(scenario.workload, 'flow')
  const entry = registry.drivers.at(-1)
  assert.deepEqual([entry?.driver.name, entry?.exportName, entry?.file], ['mine', 'mine', driver])
  assert.equal(registry.workloads.at(-1)?.workload.table({ ...scenario, rows: 7 } as never).rows, 7)
  assert.equal(inTree.drivers.length, drivers.length)
})

test('a package of the working directory is loaded by its name, as an import would find it', async () => {
  const home = join(folder, 'node_modules', '@us', 'flow')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "type": "module", "exports": { "import": "./flow.js" } }')
  writeFileSync(join(home, 'flow.js'), `export const flow = ${WORKLOAD}`)
  assert.equal((await load({ workload: '@us/flow' })).scenario.workload, 'flow')
  // A name that is nothing is left to be looked for in the tree, where the nearest one is suggested.
  assert.equal((await load({ workload: 'profile' })).scenario.workload, 'profile')
  assert.equal((await load({ workload: 'fs' })).scenario.workload, 'fs')
})

test('either kind is found for a command that takes both', async () => {
  const place = { folder }
  assert.equal((await withEither(module('flow.ts', `export const flow = ${WORKLOAD}`), inTree, place)).name, 'flow')
  assert.equal((await withEither(module('mine.ts', `export const mine = ${DRIVER}`), inTree, place)).name, 'mine')
  assert.equal((await withEither('lsm', inTree, place)).name, 'lsm')
})

const REFUSED: readonly (readonly [what: string, option: 'driver' | 'workload', text: string, sentence: RegExp])[] = [
  ['no export', 'driver', 'export const x = 1', /exports no driver: export one object/],
  ['a workload for a driver', 'driver', `export const w = ${WORKLOAD}`, /no driver, but a workload: .* --workload=/],
  ['two drivers', 'driver', `export const a = ${DRIVER}\nexport const b = ${DRIVER}`, /exports 2 drivers \(a, b\)/],
  [
    'no admin',
    'driver',
    `export const d = { ...${DRIVER}, admin: undefined }`,
    /has no admin \(it must be a function\); see the type Driver/,
  ],
  [
    'no modes',
    'driver',
    `export const d = { ...${DRIVER}, modes: [] }`,
    /wrong modes, an empty list: it must be a list of at least one/,
  ],
  [
    'a capability misspelt',
    'driver',
    `export const d = ${DRIVER.replace("'local'", "'lokal'")}`,
    /wrong replications\.0\.capabilities\.acknowledges, “lokal”: it must be one of local, quorum, all/,
  ],
  [
    'a name with blanks',
    'driver',
    `export const d = { ...${DRIVER}, name: 'a b' }`,
    /wrong name, “a b”: it must be lower-case/,
  ],
  ['a name of the tree', 'driver', `export const d = { ...${DRIVER}, name: 'lsm' }`, /is named lsm, as another one is/],
  [
    'next to nothing of a driver',
    'driver',
    `export const d = { name: 'mine', services: () => [] }`,
    /exports no driver, and d has next to nothing of one: export one object that is a Driver of geowrite\/contract/,
  ],
  [
    'several members missing',
    'driver',
    `const { services, open, admin, modes, ...rest } = ${DRIVER}\nexport const d = rest`,
    /has no modes \(it must be a list\) and no services, open, admin \(each must be a function\); see/,
  ],
  [
    'a class instead of an object',
    'driver',
    `export class Mine { services() {} open() {} }`,
    /exports no driver, but Mine is a class: export what new Mine\(\) gives/,
  ],
  [
    'a function that makes one',
    'driver',
    `export const make = () => (${DRIVER})`,
    /but make is a function: .* make\(\)/,
  ],
  [
    'a promise of one',
    'driver',
    `export const d = Promise.resolve(${DRIVER})`,
    /but d is a promise: await it in the module/,
  ],
  [
    'a method that is none',
    'driver',
    `export const d = { ...${DRIVER}, open: 7 }`,
    /wrong open, 7: it must be a function/,
  ],
  [
    'two modes of one name',
    'driver',
    `const d = ${DRIVER}\nexport const e = { ...d, modes: [d.modes[0], d.modes[0]] }`,
    /wrong modes, a list: it must be a list in which no name comes twice, as “batch” does/,
  ],
  [
    'a default that is no value of its setting',
    'driver',
    `export const d = ${DRIVER.replace("type: 'text', default: ''", "type: 'number', default: 'many'")}`,
    /wrong settings\.0\.default, “many”: it must be a text that is a value of its type/,
  ],
  [
    'an import that is not there',
    'driver',
    `import 'not-there'\nexport const d = ${DRIVER}`,
    /cannot be loaded: .*not-there/,
  ],
  ['a throwing module', 'driver', `throw new Error('no luck')`, /cannot be loaded: no luck \(line 1\)\.$/],
  ['a syntax error', 'workload', 'const a = 1\nexport const b: = 2', /cannot be loaded: .* \(line 2\)\.$/],
  ['an ended process', 'workload', 'process.exit(0)', /ended the process, or waits/],
  [
    'no defaults',
    'workload',
    `export const w = { ...${WORKLOAD}, defaults: undefined }`,
    /has no defaults \(it must be an object\)/,
  ],
  [
    'a column twice',
    'workload',
    `export const w = ${WORKLOAD.replace("name: 'n'", "name: 'dot'")}`,
    /column dot, which is/,
  ],
  ['a column of no type', 'workload', `export const w = ${WORKLOAD.replace("'int'", "'blob'")}`, /type text or int/],
  [
    'a key that is none',
    'workload',
    `export const w = ${WORKLOAD.replace('turn++ % 100', '0.5')}`,
    /gave the key 0\.5/,
  ],
  [
    'an operation that is none',
    'workload',
    `export const w = ${WORKLOAD.replace('= 1 }', '= 9 }')}`,
    /the operation 9/,
  ],
  [
    'chance without the seed',
    'workload',
    `export const w = ${WORKLOAD.replace('turn++ % 100', 'Math.floor(Math.random() * 99)')}`,
    /other operations for the same plan/,
  ],
  [
    'a place forgotten between calls',
    'workload',
    `export const w = ${WORKLOAD.replace('turn++ % 100', 'i')}`,
    /other operations when asked for few/,
  ],
  ['upserts of an appender', 'workload', `export const w = { ...${WORKLOAD}, appends: true }`, /says that it appends/],
  [
    'a throwing stream',
    'workload',
    `export const w = { ...${WORKLOAD}, stream() { throw new Error('dry') } }`,
    /failed when its workload was tried: dry/,
  ],
]

for (const [i, [what, option, text, sentence]] of REFUSED.entries()) {
  test(`${what} is refused with a sentence that names the file`, async () => {
    const file = module(`refused-${i}.ts`, text)
    await assert.rejects(load({ [option]: file }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'USAGE', error.message)
      assert.match(error.message, sentence)
      assert.ok(error.message.includes(file), error.message)
      return true
    })
  })
}

test('a file that is not there is told with its whole path', async () => {
  await assert.rejects(load({ driver: './nowhere.ts' }), {
    code: 'USAGE',
    message: new RegExp(`${folder}/nowhere\\.ts`),
  })
})

for (const [what, text] of [
  ['waits for ever', 'setInterval(() => undefined, 1000)\nawait new Promise(() => undefined)\nexport const d = 1'],
  ['runs for ever', 'for (;;);'],
] as const) {
  test(`a module that ${what} when it is imported is not waited for`, async () => {
    const startedMs = performance.now()
    const file = module(`hangs-${what.split(' ')[0]}.ts`, text)
    await assert.rejects(load({ driver: file }, 1000), { code: 'USAGE', message: /did not finish loading within 1 s/ })
    assert.ok(performance.now() - startedMs < 8000)
  })
}

test('what an outside driver throws later is told as its own, also while its rows are read', async () => {
  const file = module('throws.ts', `export const mine = Object.freeze(${DRIVER})`)
  const { driver } = (await load({ driver: file })).registry.drivers.at(-1) ?? assert.fail()
  const theirs = (method: string, why: string) => ({
    code: 'STORE',
    message: `./throws.ts failed in its ${method}(): ${why}. The error is in that file.`,
  })
  await assert.rejects(async () => driver.open({} as never, {}, {} as never, {} as never), theirs('open', 'no door'))
  const admin = await driver.admin({}, {} as never, {} as never)
  await assert.rejects(admin.describe(), theirs('describe', 'shy'))
  const read = async () => {
    let blocks = 0
    for await (const _ of admin.rows('dc', { bucket: 0, buckets: 1 })) blocks++
    return blocks
  }
  await assert.rejects(read, theirs('rows', 'torn'))
})

test('a default export, an instance of a class and a frozen object will do', async () => {
  const inherited = `const made = ${DRIVER}
    class Base { get settings() { return made.settings } missing() { return made.missing() } services() { return [] } }
    class Mine extends Base { #bytes = 5; name = 'mine'; summary = 's'; replications = made.replications; modes = made.modes
      open() { return made.open() } admin() { return made.admin() } bytesPerRow() { return this.#bytes } }`
  for (const [name, text] of [
    ['default.ts', `export default ${DRIVER}`],
    ['instance.ts', `${inherited}\nexport const mine = Object.freeze(new Mine())`],
    ['common.cjs', `module.exports = ${DRIVER}`],
  ] as const) {
    const { registry } = await load({ driver: module(name, text) })
    const { driver } = registry.drivers.at(-1) ?? assert.fail()
    assert.ok([1, 5].includes(driver.bytesPerRow([])), name)
  }
})

test('what an outside driver answers is checked as it comes', async () => {
  const wrong = {
    missing: 'missing: async () => 7',
    bytesPerRow: 'bytesPerRow: () => -1',
    services: 'services: async () => []',
    open: 'open: async () => ({ write() {}, read() {} })',
    admin: 'admin: async () => undefined',
  }
  const sentences = {
    missing:
      /^\.\/answers\.ts gave from its missing\(\) what is 7: it must be a text; see the type Driver of geowrite\/contract\.$/,
    bytesPerRow: /what is -1: it must be at least 0/,
    services: /what is a promise: it must be a list/,
    open: /has no \[Symbol\.asyncDispose\] \(it must be a function\); see the type Session/,
    admin: /what is undefined: it must be an object; see the type Admin/,
  }
  const own = Object.values(wrong).join(', ')
  const { registry } = await load({ driver: module('answers.ts', `export const d = { ...${DRIVER}, ${own} }`) })
  const { driver } = registry.drivers.at(-1) ?? assert.fail()
  for (const method of Object.keys(wrong) as (keyof typeof wrong)[]) {
    const ask = async () => (driver[method] as () => unknown)()
    await assert.rejects(ask(), { code: 'STORE', message: sentences[method] })
  }
})

test('a session whose write answers without an outcome rejects it, and what it throws at once as well', async () => {
  const text = `export const d = { ...${DRIVER}, open: async () => ({ write(batch) { if (batch) throw new Error('shut') },
    read: async () => ({}), async [Symbol.asyncDispose]() {} }) }`
  const { driver } = (await load({ driver: module('session.ts', text) })).registry.drivers.at(-1) ?? assert.fail()
  const session = await driver.open({} as never, {}, {} as never, {} as never)
  await assert.rejects(
    session.write(undefined as never),
    /^BenchError: \.\/session\.ts gave from its write\(\) what is undefined/,
  )
  await assert.rejects(session.write({} as never), /shut/)
  await assert.rejects(session.read(new Float64Array(1)), /has no dots, versions \(each must be a Float64Array\)/)
})

test('a method that answers at once and never comes back is ended after its bound, in the main thread too', async () => {
  const file = module('loops.ts', `export const d = { ...${DRIVER}, services() { for (;;); } }`)
  const limits = { ...LIMITS, answerMs: 100 }
  const loaded = await withOutside(parseScenario({ driver: file }), inTree, { folder, limits })
  const { driver } = loaded.registry.drivers.at(-1) ?? assert.fail()
  assert.throws(() => driver.services({} as never), {
    code: 'STORE',
    message:
      './loops.ts has not come back from its services() for 0.1 s and is waited for no longer: it must end in time, or fail and say why.',
  })
  assert.equal(driver.bytesPerRow([]), 1)
})
