// Whatever LevelDB fails with is told in one sentence with a code, and where its data cannot be read the node is told to end.
import assert from 'node:assert/strict'
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BenchError } from '../../bench/contract/errors.ts'
import { LevelEngine } from './level-engine.ts'
import { levelFailure } from './level-failures.ts'
import { Written } from './level-folder.fixture.ts'

const FOLDER = '/data/level'
const SEED = 7

function levelError(code: string, message: string): Error {
  const cause = Object.assign(new Error(message), { code })
  return Object.assign(new Error('Database failed to open', { cause }), { code: 'LEVEL_DATABASE_NOT_OPEN' })
}

test('what LevelDB says when it opens or is used becomes a code and a sentence', () => {
  const cases: readonly (readonly [error: Error, code: string, sentence: RegExp])[] = [
    [
      levelError('LEVEL_CORRUPTION', 'Corruption: bad block'),
      'FORMAT',
      /^LevelDB finds .*\/data\/level damaged \(Corruption/,
    ],
    [levelError('LEVEL_LOCKED', 'IO error: lock x: held'), 'DATA_FOLDER', /\/data\/level is held by another process/],
    [
      levelError('LEVEL_IO_ERROR', '/x: Permission denied'),
      'DATA_FOLDER',
      /\/data\/level cannot be read or written \(/,
    ],
    [levelError('LEVEL_IO_ERROR', 'IO error: /x: No space left on device'), 'ROOM', /^The disk is full \(IO error: /],
    [levelError('LEVEL_IO_ERROR', 'IO error: /x: Too many open files'), 'ROOM', /^This process may not open more/],
    [levelError('LEVEL_IO_ERROR', 'IO error: /x: Too many open files in system'), 'ROOM', /^The machine cannot open/],
    [Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'mkdir' }), 'ROOM', /^The disk is full/],
    [Object.assign(new Error('EACCES: no'), { code: 'EACCES', syscall: 'open' }), 'DATA_FOLDER', /cannot be read or/],
  ]
  for (const [error, code, sentence] of cases) {
    const failure = levelFailure(error, FOLDER)
    assert.equal(failure?.code, code, error.message)
    assert.match(failure.message, sentence)
    assert.match(failure.message, /^[A-Z].*[^.]\.$/)
    assert.equal(levelFailure(failure, FOLDER), failure)
  }
  for (const error of [levelError('LEVEL_ITERATOR_NOT_OPEN', 'closed'), new Error('odd'), 'odd']) {
    assert.equal(levelFailure(error, FOLDER), undefined)
  }
})

test('a folder that another engine holds is refused, and that one goes on', async () => {
  using written = await Written.make({ seed: SEED, commits: 3 })
  const folder = written.copy()
  const first = new LevelEngine(folder, written.settings, false)
  await first.open()
  const second = new LevelEngine(folder, written.settings, false)
  await assert.rejects(second.open(), (error) => error instanceof BenchError && error.code === 'DATA_FOLDER')
  first.put(1, 160, 161, Buffer.alloc(17))
  await first.commit(1, 160)
  await first.close()
})

test('tables that are overwritten while they are in use end the node, by whatever they are read', async () => {
  using written = await Written.make({ seed: SEED, commits: 100 }, (engine) => engine.flush())
  const tables = written.files('.ldb')
  const keys = written.commits.flatMap(({ rows }) => [...rows.keys()])
  const reads: Readonly<Record<string, (engine: LevelEngine) => Promise<unknown>>> = {
    rows: (engine) => engine.read(keys),
    'rows of a snapshot': (engine) => engine.snapshot().read(Float64Array.from(keys)),
    'the whole table': async (engine) => {
      for await (const page of engine.snapshot().pages()) assert.ok(page.keys.length > 0)
    },
    'the log': (engine) => engine.entriesAfter(0, Number.POSITIVE_INFINITY),
  }
  for (const [what, read] of Object.entries(reads)) {
    const folder = written.copy()
    const failures: BenchError[] = []
    const events = { log: () => undefined, failed: (failure: BenchError) => failures.push(failure) }
    const engine = new LevelEngine(folder, { ...written.settings, blockCacheBytes: 0 }, false, events)
    await engine.open()
    for (const name of tables) {
      const file = openSync(join(folder, name), 'r+')
      writeSync(file, Buffer.alloc(Math.floor(statSync(join(folder, name)).size * 0.9), 0xff))
      closeSync(file)
    }
    await assert.rejects(read(engine), (error) => error instanceof BenchError && error.code === 'FORMAT', what)
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['FORMAT'],
      what,
    )
    await engine.close()
  }
})

test('a hole in the log ends the node before it is shipped', async () => {
  using written = await Written.make({ seed: SEED, commits: 10 })
  const failures: BenchError[] = []
  const events = { log: () => undefined, failed: (failure: BenchError) => failures.push(failure) }
  const engine = new LevelEngine(written.copy(), written.settings, false, events)
  const { head, highestVersion } = await engine.open()
  engine.removeEntry(written.commits[4].head)
  await engine.commit(head, highestVersion)
  await assert.rejects(
    engine.entriesAfter(0, Number.POSITIVE_INFINITY),
    new RegExp(`^BenchError: The log of this node lacks the entry after row ${written.commits[3].head} `),
  )
  assert.equal(failures.length, 1)
  // What lies after the hole is as it was written.
  assert.equal((await engine.entriesAfter(written.commits[4].head, Number.POSITIVE_INFINITY)).length, 5)
  await engine.close()
})
