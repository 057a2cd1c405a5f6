// The page for authors of drivers has the limits that hold.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LIMITS } from './limits.ts'

const PAGE = new URL('../../examples/README.md', import.meta.url)

test('examples/README.md has every limit as the code has it', () => {
  const rows = readFileSync(PAGE, 'utf8').split('\n')
  const limitOf = (what: string) =>
    rows
      .find((row) => row.startsWith('|') && row.includes(what))
      ?.split('|')[2]
      .trim()
  const seconds = (ms: number) => new RegExp(`\\b${ms / 1000} s\\b`)
  const expected: readonly (readonly [what: string, ms: number])[] = [
    ['`describe`', LIMITS.answerMs],
    ['`open` of a session', LIMITS.answerMs],
    ['`services`', LIMITS.answerMs],
    ['`digest`', LIMITS.tableMs],
    ['`write` of a session', LIMITS.graceMs],
    ['`read` of a session', LIMITS.graceMs],
    ['closing a session', LIMITS.closeMs],
    ['whatever a thread runs', LIMITS.silentMs],
  ]
  for (const [what, ms] of expected) assert.match(limitOf(what) ?? '', seconds(ms), what)
  assert.match(limitOf('`digest`') ?? '', new RegExp(`\\b${LIMITS.tableUsPerRow} µs\\b`))
})
