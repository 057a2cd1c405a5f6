// One run of a program of others: what it printed and spent, and how it may end.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Guardian } from '../deploy/guardian.ts'
import { allEnded, knownTree } from '../deploy/process-table.ts'
import { delay } from '../lib/clock.ts'
import { ProgramRunner } from './programs.ts'

async function runner(t: TestContext, signal = AbortSignal.timeout(20_000)) {
  const folder = await mkdtemp(join(tmpdir(), 'geowrite-test-'))
  const guardian = new Guardian(folder)
  t.after(async () => {
    await guardian[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  return { folder, programs: new ProgramRunner({ folder, guardian }, signal) }
}

const script = (text: string) => ({ program: 'node', args: ['-e', text] })
const BUSY = 'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);'

test('what a program printed is told of this run alone, and what it spent without what we did meanwhile', async (t) => {
  const { programs } = await runner(t)
  const [busy, idle] = [
    await programs.run('it', script(`${BUSY} console.log('one')`)),
    await programs.run('it', script('')),
  ]
  assert.deepEqual([busy.text, idle.text], ['one\n', ''])
  if (process.platform !== 'linux') return
  assert.ok(busy.cpuSeconds > 0.15, `${busy.cpuSeconds} s`)
  assert.ok(busy.cpuSeconds - idle.cpuSeconds > 0.1, `${busy.cpuSeconds} s busy, ${idle.cpuSeconds} s idle`)
})

test('an exit code that is none of the good ones rejects with the last line', async (t) => {
  const { programs } = await runner(t)
  const fails = script(`console.log('first'); console.log('no such table'); process.exitCode = 2`)
  assert.match((await programs.run('it', fails, [0, 2])).text, /first/)
  await assert.rejects(programs.run('it', fails), { code: 'COMPONENT', message: /exit code 2.*no such table/ })
})

test('what a program has started ends with it when the comparison is given up', async (t) => {
  const giveUp = new AbortController()
  const { folder, programs } = await runner(t, giveUp.signal)
  const lasting = 'setTimeout(() => {}, 60000)'
  const child = `const { pid } = require('node:child_process').spawn(process.execPath, ['-e', '${lasting}'], { stdio: 'inherit' })`
  const asked = programs.run('it', script(`${child}; console.log(pid); ${lasting}`))
  asked.catch(() => undefined)
  const pid = async () => Number((await readFile(join(folder, 'it-1.log'), 'utf8').catch(() => '')) || 0)
  for (let look = 0; look < 200 && (await pid()) === 0; look++) await delay(50)
  const started = knownTree(await pid())
  assert.equal(started.length, 1)
  giveUp.abort(new Error('given up'))
  await assert.rejects(asked, /given up/)
  assert.ok(await allEnded(started, 5000))
})
