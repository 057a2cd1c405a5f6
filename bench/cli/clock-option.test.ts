// `--skew-clock`: clocks ahead and behind, as typed and as written in files, and one sentence for every mistake.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { addRunOptions, rawOptions } from './options.ts'
import { scenarioFrom } from './scenario-file.ts'

function typed(...argv: string[]): Readonly<Record<string, number>> {
  const command = addRunOptions(new Command()).parse(argv, { from: 'user' })
  return scenarioFrom(rawOptions(command.opts())).clockSkewMs
}

test('clocks run ahead or behind by a time with its unit, in one list or several, the last one prevailing', () => {
  assert.deepEqual(typed(), {})
  assert.deepEqual(typed('--skew-clock=us-east=200ms,eu-west=-50ms'), { 'us-east': 200, 'eu-west': -50 })
  assert.deepEqual(typed('--skew-clock', 'us-east=+1.5s', '--skew-clock', ' eu-west = -100us '), {
    'us-east': 1500,
    'eu-west': -0.1,
  })
  assert.deepEqual(typed('--skew-clock=us-east=1h', '--skew-clock=us-east=-1h'), { 'us-east': -3_600_000 })
})

test('a scenario file gives them as a list or as a mapping, and the command line goes before it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-clock-'))
  try {
    const path = join(folder, 'a.yaml')
    for (const text of ['skew-clock: {us-east: 2s, eu-west: -5ms}', 'skew-clock: [us-east=2s, eu-west=-5ms]']) {
      writeFileSync(path, text)
      assert.deepEqual(typed(`--scenario=${path}`), { 'us-east': 2000, 'eu-west': -5 })
      assert.deepEqual(typed(`--scenario=${path}`, '--skew-clock=us-east=0ms'), { 'us-east': 0, 'eu-west': -5 })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no clock, no DC or no time is refused in one sentence', () => {
  for (const [value, message] of [
    ['200ms', /--skew-clock 200ms is not <dc>=<time>/],
    ['us-eat=1ms', /did you mean us-east\?$/],
    ['us-east=1', /has "1" where a time of at most 1 h/],
    ['us-east=61m', /has "61m"/],
    ['us-east=--1ms', /has "--1ms"/],
    ['us-east=', /has ""/],
  ] as const) {
    assert.throws(() => typed(`--skew-clock=${value}`), { code: 'USAGE', message }, value)
  }
})
