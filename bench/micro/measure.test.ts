// The yardstick against itself: ten times the work is about ten times the steps, and every case runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureCases, REFERENCE } from './measure.ts'
import type { MicroCase } from './micro-case.ts'

const times = (count: number): MicroCase => ({
  name: `${count} loops`,
  rows: REFERENCE.rows,
  run() {
    for (let i = 0; i < count; i++) void REFERENCE.run()
  },
})

test('work is told in steps of the reference loop, whatever the machine does meanwhile', async (t) => {
  const [one, ten] = await measureCases([times(1), times(10)], 150)
  t.diagnostic(`${one.steps.toFixed(2)} and ${ten.steps.toFixed(2)} steps`)
  assert.ok(one.steps > 0.5 && one.steps < 2, `${one.steps}`)
  assert.ok(ten.steps > 5 && ten.steps < 20, `${ten.steps}`)
  assert.ok(ten.stepsLow <= ten.steps && ten.steps <= ten.stepsHigh)
  assert.ok(Math.abs(ten.rowsPerSecond * ten.nanosecondsPerRow - 1e9) < 1)
})

test('a case that fails is told, not measured', async () => {
  const failing = { name: 'failing', rows: 1, run: () => Promise.reject(new Error('planted')) }
  await assert.rejects(measureCases([failing], 20), /planted/)
})
