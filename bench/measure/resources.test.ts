// Facts of the machine and of the harness, on the machine that runs the tests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { harnessUsage, machine, Pressure } from './resources.ts'

test('the machine is told in full', () => {
  for (const [name, value] of Object.entries(machine())) assert.ok(value, `${name} is empty`)
})

test('the harness counts its own work', () => {
  const before = harnessUsage()
  while (process.cpuUsage().user / 1e6 < before.cpuSeconds + 0.05);
  const after = harnessUsage()
  assert.ok(after.cpuSeconds - before.cpuSeconds >= 0.05)
  assert.ok(after.residentBytes > 10e6)
})

test('pressure is a share of the time between its two readings, or not known', async (t) => {
  const pressure = new Pressure()
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { cpuSomeShare, stealShare } = pressure.end()
  t.diagnostic(`pressure ${cpuSomeShare}, steal ${stealShare}`)
  for (const share of [cpuSomeShare, stealShare]) assert.ok(share === null || (share >= 0 && share <= 1.01), `${share}`)
})
