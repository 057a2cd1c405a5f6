// Peer processes and programs: their samples, their failures, and that none is left.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Guardian } from '../deploy/guardian.ts'
import { processTree } from '../deploy/process-table.ts'
import { startPeer } from './peer-process.ts'
import { findProgram, ProgramRunner } from './programs.ts'

const PEER = new URL('./peer.fixture.ts', import.meta.url)
const never = new AbortController().signal

const children = () => processTree(process.pid).filter((pid) => pid !== process.pid)

test('a peer process works a turn, measures its own time and CPU, and ends when it is let go', async () => {
  const before = children()
  {
    await using cleanup = new AsyncDisposableStack()
    const peer = await startPeer(PEER, 'counter', { amount: 42 }, never, cleanup)
    assert.equal(children().length, before.length + 1)
    const { amount, seconds, cpuSeconds } = await peer.turn(10)
    assert.equal(amount, 42)
    assert.ok(seconds > 0 && seconds < 5 && cpuSeconds >= 0, `${seconds} ${cpuSeconds}`)
    assert.equal((await peer.turn(10)).amount, 42)
  }
  assert.deepEqual(children(), before)
})

test('what fails in a peer process, or ends it, fails its turn with a sentence', async () => {
  await using cleanup = new AsyncDisposableStack()
  const failing = await startPeer(PEER, 'failing loop', { amount: -1 }, never, cleanup)
  await assert.rejects(failing.turn(10), /The peer failing loop failed: the work failed;/)
  const dying = await startPeer(PEER, 'dying loop', { amount: null }, never, cleanup)
  await assert.rejects(dying.turn(10), /The peer dying loop failed: its process ended/)
  await assert.rejects(dying.turn(10), /its process ended/)
})

test('a turn that is interrupted rejects with the reason, and the process ends', async () => {
  const before = children()
  const ending = new AbortController()
  {
    await using cleanup = new AsyncDisposableStack()
    const peer = await startPeer(PEER, 'endless loop', { amount: 0 }, ending.signal, cleanup)
    const turning = peer.turn(10)
    ending.abort(new Error('interrupted'))
    await assert.rejects(turning, /interrupted/)
  }
  assert.deepEqual(children(), before)
})

/** A folder with a program in it. */
async function withProgram(
  text: string,
  body: (program: string, order: { readonly folder: string; readonly guardian: Guardian }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'geowrite-test-'))
  await using guardian = new Guardian(folder)
  const program = join(folder, 'program.mjs')
  await writeFile(program, `#!${process.execPath}\n${text}`)
  await chmod(program, 0o700)
  await body(program, { folder, guardian })
}

test('a program runs to its end in its folder; one that fails says so with its last line', async () => {
  const text = `import { writeFileSync } from 'node:fs'
    if (process.argv[2] === 'bad') { console.error('first'); console.error('no such table'); process.exit(1) }
    writeFileSync('answer', process.argv[2])`
  await withProgram(text, async (program, order) => {
    const runner = new ProgramRunner(order, never)
    await runner.run('tool', { program, args: ['good'] })
    assert.ok((await readdir(order.folder)).includes('answer'))
    await assert.rejects(
      runner.run('tool', { program, args: ['bad'] }),
      /tool did not run \(exit code 1\): no such table/,
    )
  })
})

test('a program ends when the comparison is interrupted', async () => {
  await withProgram('setInterval(() => undefined, 1000)', async (program, order) => {
    const ending = new AbortController()
    const runner = new ProgramRunner(order, ending.signal)
    const before = children()
    const running = runner.run('tool', { program, args: [] })
    assert.equal(children().length, before.length + 1)
    ending.abort(new Error('interrupted'))
    await assert.rejects(running, /interrupted/)
    assert.deepEqual(children(), before)
  })
})

test('a program that is not installed is not found', () => {
  assert.equal(findProgram('no-such-program-of-geowrite'), undefined)
  assert.match(findProgram('sh') ?? '', /\/sh$/)
})
