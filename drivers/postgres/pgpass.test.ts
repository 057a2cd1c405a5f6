// Passwords as Postgres's own tools find them: the first line that fits, and no file that others can read.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keptPassword, passwordIn } from './pgpass.ts'

const LOGIN = { host: 'db', port: 5432, user: 'bench', database: 'main' }

test('the first line that fits gives the password, with what a backslash keeps', () => {
  assert.equal(
    passwordIn('# db:5432:main:bench:no\n\ndb:5432:main:other:no\n*:*:*:bench:a\\:b\\\\c\ndb:*:*:*:late', LOGIN),
    'a:b\\c',
  )
  assert.equal(passwordIn('db:5433:main:bench:no\ndb:5432:main:bench', LOGIN), undefined)
  assert.equal(passwordIn('db:5432:main:bench:\r\n', LOGIN), '')
  assert.equal(passwordIn('h\\:1:5432:main:bench:six', { ...LOGIN, host: 'h:1' }), 'six')
})

test('a file that others can read is not used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-pgpass-'))
  const path = join(folder, 'pgpass')
  process.env['PGPASSFILE'] = path
  try {
    assert.equal(keptPassword(LOGIN), undefined)
    writeFileSync(path, '*:*:*:*:word', { mode: 0o600 })
    assert.equal(keptPassword(LOGIN), 'word')
    chmodSync(path, 0o640)
    assert.throws(() => keptPassword(LOGIN), /can be read by others, so that it is not used: chmod 600 it/)
  } finally {
    delete process.env['PGPASSFILE']
    rmSync(folder, { recursive: true, force: true })
  }
})
