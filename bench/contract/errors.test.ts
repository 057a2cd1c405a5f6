// The page of the error codes is made from their table: what the test expects of it is what it should hold.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BenchError, ERROR_KINDS } from './errors.ts'

const PAGE = new URL('../../docs/errors.md', import.meta.url)

test('docs/errors.md has every code as the table has it, and no other', () => {
  const rows = Object.entries(ERROR_KINDS).map(([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`)
  const page = readFileSync(PAGE, 'utf8')
  assert.deepEqual(
    page.split('\n').filter((line) => line.startsWith('| `')),
    rows,
  )
})

test('an error ends the program with the exit code of its row', () => {
  for (const [code, { exit }] of Object.entries(ERROR_KINDS)) {
    assert.equal(new BenchError(code as keyof typeof ERROR_KINDS, 'What, why, what to do.').exit, exit)
  }
})
