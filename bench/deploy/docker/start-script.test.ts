// The start script in a real shell: whatever the arguments hold, the program gets them as they are, and set-up happens once.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { Command } from '../../contract/service.ts'
import { quoted, startScript } from './start-script.ts'

const folder = mkdtempSync(join(tmpdir(), "geowrite it's a script-"))
after(() => rmSync(folder, { recursive: true }))

function run(setup: readonly Command[], command: Command) {
  const path = join(folder, 'start.sh')
  writeFileSync(path, startScript(folder, setup, command))
  const { status, stdout, stderr } = spawnSync('/bin/sh', [path], { encoding: 'utf8', cwd: folder })
  return { status, stdout, stderr }
}

const printing = (args: readonly string[], env?: Command['env']): Command => ({
  program: 'printf',
  args: ['<%s>', ...args],
  ...(env === undefined ? {} : { env }),
})

test('any text reaches the program as one argument, unchanged', (t) => {
  const seed = 7
  t.diagnostic(`seed ${seed}`)
  const nasty = fc.constantFrom(
    "'",
    "''",
    '$(touch stolen)',
    '`touch stolen`',
    '\\',
    '"',
    '\n',
    '; touch stolen',
    '*',
    '~',
    '-n',
    '',
    '!',
    '$HOME',
    '\r',
    '\u2028',
  )
  const texts = fc.array(
    fc
      .oneof(fc.string(), fc.string({ unit: 'binary' }), nasty)
      .filter((text) => !text.includes('\0') && text.isWellFormed()),
    { minLength: 50, maxLength: 300 },
  )
  // One shell for each list: a case is several arguments.
  fc.assert(
    fc.property(texts, (args) => {
      const { status, stdout } = spawnSync('/bin/sh', ['-c', `printf '%s\\0' ${args.map(quoted).join(' ')}`], {
        encoding: 'utf8',
      })
      assert.equal(status, 0)
      assert.deepEqual(stdout.split('\0').slice(0, -1), args)
    }),
    { seed, numRuns: 10 },
  )
})

test('set-up runs once, in order, each step with its own environment, and the service has only its own', () => {
  const step = (name: string): Command => ({
    program: 'sh',
    args: ['-c', 'echo "$STEP $OTHER" >> steps'],
    env: { STEP: name },
  })
  const service: Command = { program: 'sh', args: ['-c', 'echo "$STEP-$MINE" $$'], env: { MINE: "it's $mine" } }
  const setup = [step('first'), { ...step('second'), env: { STEP: 'second', OTHER: 'b' } }]
  assert.match(run(setup, service).stdout, /^-it's \$mine \d+\n$/)
  assert.match(run(setup, service).stdout, /^-it's \$mine \d+\n$/)
  assert.equal(readFileSync(join(folder, 'steps'), 'utf8'), 'first \nsecond b\n')
})

test('a step that fails is told with its code, and the service does not start', () => {
  rmSync(join(folder, '.set-up'), { force: true })
  const failing: Command = { program: 'sh', args: ['-c', 'echo no cheese >&2; exit 4'] }
  const { status, stdout, stderr } = run([failing], printing(['started']))
  assert.deepEqual({ status, stdout }, { status: 4, stdout: '' })
  assert.equal(stderr, 'no cheese\nsetting it up with sh ended with exit code 4\n')
  assert.equal(run([], printing(['started'])).stdout, '<started>')
})

test('what no shell can carry is refused', () => {
  assert.throws(() => quoted('a\0b'), { code: 'BUG' })
  assert.throws(() => startScript(folder, [], { program: 'x', args: [], env: { 'A;touch stolen': '' } }), {
    code: 'BUG',
  })
})
