import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from './errors.ts'
import { endingOf } from './machine-limits.ts'

const systemError = (code: string) => Object.assign(new Error(`${code}: as the system says it`), { code })

for (const [code, sentence] of [
  ['ENOSPC', /^The disk is full \(ENOSPC: as the system says it\): free room, .*--out and --data\.$/],
  ['EMFILE', /^This process may not open more files \(EMFILE: .*\): raise the limit \(ulimit -n 4096\)\.$/],
] as const) {
  test(`${code} is a limit of the machine, whoever ran into it`, () => {
    for (const error of [systemError(code), new Error('while writing', { cause: systemError(code) })]) {
      const limit = endingOf(error)
      assert.ok(limit instanceof BenchError)
      assert.equal(limit.exit, 69)
      assert.match(limit.message, sentence)
    }
  })
}

test('an error of the table is what it is, whatever caused it, and the first one counts', () => {
  const known = new BenchError('DATA_FOLDER', 'No way.', { cause: systemError('ENOSPC') })
  assert.equal(endingOf(known), known)
  assert.equal(endingOf(new SuppressedError(systemError('ENOSPC'), known)), known)
  assert.match(
    endingOf(new SuppressedError(systemError('ENOSPC'), new Error('odd')))?.message ?? '',
    /^The disk is full/,
  )
})

test('anything else is none', () => {
  for (const error of [systemError('ECONNRESET'), new Error('ENOSPC'), 'ENOSPC', undefined]) {
    assert.equal(endingOf(error), undefined)
  }
})
