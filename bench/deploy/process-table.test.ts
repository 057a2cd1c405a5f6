// What is read of processes by hand, against what Node and `ps` say of the same ones.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { nowUs } from '../lib/clock.ts'
import { knownTree, processTree, startMark, stillRuns, usageByPs, usageOf } from './process-table.ts'

test('a process is known by its mark until it ends', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const pid = child.pid ?? 0
  const mark = startMark(pid)
  assert.notEqual(mark, undefined)
  assert.equal(startMark(pid), mark)
  assert.ok(processTree(process.pid).includes(pid))
  assert.ok(processTree(process.pid, 'first').includes(pid))
  const [known] = knownTree(pid)
  assert.ok(stillRuns(known))
  assert.ok(!stillRuns({ pid, mark: 'another' }))
  child.stdin.end()
  await once(child, 'exit')
  assert.ok(!stillRuns(known))
  assert.deepEqual(processTree(pid), [])
})

test('usage agrees with what the process says of itself, and `ps` with both', () => {
  const [own] = usageOf([process.pid])
  const [byPs] = usageByPs([process.pid])
  const { user, system } = process.cpuUsage()
  assert.ok(Math.abs(own.cpuSeconds - (user + system) / 1e6) < 0.1, `${own.cpuSeconds} s`)
  const resident = process.memoryUsage.rss()
  assert.ok(own.residentBytes > 0.8 * resident && own.residentBytes < 1.2 * resident)
  assert.ok(byPs.residentBytes > 0.8 * resident && byPs.residentBytes < 1.2 * resident)
  // `ps` counts whole seconds on Linux
  assert.ok(Math.abs(byPs.cpuSeconds - own.cpuSeconds) <= 1)
  assert.deepEqual([byPs.pid, byPs.storageWriteBytes], [process.pid, null])
})

test('reading many processes is cheap, and those that are gone are left out', (t) => {
  const pids = Array.from({ length: 30 }, () => process.pid)
  usageOf(pids)
  const times = Array.from({ length: 20 }, () => {
    const startUs = nowUs()
    usageOf(pids)
    return nowUs() - startUs
  }).sort((a, b) => a - b)
  t.diagnostic(`30 processes in ${(times[10] / 1000).toFixed(2)} ms`)
  if (process.platform === 'linux') assert.ok(times[10] < 10_000, `${times[10]} µs`)
  assert.deepEqual(usageOf([2 ** 22 + 1]), [])
})
