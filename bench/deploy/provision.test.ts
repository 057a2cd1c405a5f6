import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { BenchError } from '../contract/errors.ts'
import type { Provision, ProvisionStep } from '../contract/provision.ts'
import { isProvided, provisionFolder } from '../lib/provision-folder.ts'
import { provide } from './provision.ts'

const before = process.env.XDG_CACHE_HOME
let cache: string
const signal = AbortSignal.timeout(30_000)

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'geowrite-cache-'))
  process.env.XDG_CACHE_HOME = cache
})
afterEach(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = before
  rmSync(cache, { recursive: true, force: true })
})

const script = (code: string): ProvisionStep => ({
  what: 'making it',
  command: () => ({ program: 'node', args: ['-e', code] }),
  timeoutMs: 10_000,
})

function provision(steps: readonly ProvisionStep[], key = 'one'): Provision {
  return {
    name: 'thing',
    key,
    ports: ['door'],
    files: () => [{ path: 'given/words.txt', content: 'from the driver' }],
    steps,
    remedy: 'mend it',
  }
}

const append = script("require('fs').appendFileSync('made', 'x')")
const made = (key = 'one') => join(provisionFolder(provision([], key)), 'made')

test('a folder is made once, by its files and steps, and kept; another key is another folder', async () => {
  const told: string[] = []
  await provide([provision([append])], signal, (what) => told.push(what))
  await provide([provision([append])], signal, (what) => told.push(what))
  assert.deepEqual(told, ['making it'])
  assert.equal(readFileSync(made(), 'utf8'), 'x')
  assert.equal(readFileSync(join(provisionFolder(provision([])), 'given/words.txt'), 'utf8'), 'from the driver')
  await provide([provision([append], 'two')], signal, () => undefined)
  assert.equal(readFileSync(made('two'), 'utf8'), 'x')
})

test('two that need the same at once make it once', async () => {
  const slow = script("setTimeout(() => require('fs').appendFileSync('made', 'x'), 300)")
  const told: string[] = []
  const tell = (what: string) => told.push(what)
  await Promise.all([provide([provision([slow])], signal, tell), provide([provision([slow])], signal, tell)])
  assert.equal(readFileSync(made(), 'utf8'), 'x')
  assert.deepEqual(told.toSorted(), ['making it', 'waiting for another run that makes thing'])
})

test('what a step left unfinished does not count: the sentence says what failed, and the next run begins anew', async () => {
  const torn = [append, script("console.log('no such artifact'); process.exit(3)")]
  await assert.rejects(
    provide([provision(torn)], signal, () => undefined),
    (error: unknown) => {
      assert.ok(error instanceof BenchError)
      assert.equal(error.code, 'COMPONENT')
      assert.match(error.message, /exit code 3.*no such artifact.*mend it\.$/)
      return true
    },
  )
  assert.equal(isProvided(provision(torn)), false)
  assert.equal(existsSync(`${provisionFolder(provision(torn))}.lock`), false)
  await provide([provision([append])], signal, () => undefined)
  assert.equal(readFileSync(made(), 'utf8'), 'x')
})

test('a lock whose holder is gone is taken over', async () => {
  mkdirSync(join(cache, 'geowrite'))
  writeFileSync(`${provisionFolder(provision([]))}.lock`, JSON.stringify({ pid: 2 ** 30, mark: 'long ago' }))
  await provide([provision([append])], signal, () => undefined)
  assert.equal(isProvided(provision([])), true)
})

test('a server among the steps is asked to end when it is ready, and may still write something', async () => {
  const server: ProvisionStep = {
    what: 'starting it once',
    command: ({ ports }) => ({
      program: 'node',
      args: [
        '-e',
        `require('net').createServer().listen(${ports.door.port}, '127.0.0.1')
        process.on('SIGTERM', () => { require('fs').writeFileSync('made', 'at the end'); process.exit(143) })`,
      ],
    }),
    ready: { type: 'port', port: 'door' },
    timeoutMs: 10_000,
  }
  await provide([provision([server])], signal, () => undefined)
  assert.equal(readFileSync(made(), 'utf8'), 'at the end')
})

test('a step that takes too long is ended', async () => {
  const hanging = { ...script('setInterval(() => undefined, 1000)'), timeoutMs: 300 }
  await assert.rejects(
    provide([provision([hanging])], signal, () => undefined),
    /longer than 0\.3 s/,
  )
})
