// Who runs a service that refuses root, and from where.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readableFolder, relocate, unprivilegedUser } from './service-user.ts'

test('a command is moved with all paths under its folder, and no others', () => {
  const command = {
    program: '/a/b/bin/x',
    args: ['-d', '/a/b', '/a/bc', 'text /a/b'],
    env: { LIB: '/a/b/lib', D: '/d' },
  }
  assert.deepEqual(relocate(command, '/a/b', '/r'), {
    program: '/r/bin/x',
    args: ['-d', '/r', '/a/bc', 'text /a/b'],
    env: { LIB: '/r/lib', D: '/d' },
  })
})

const asRoot = { skip: process.getuid?.() !== 0 }

test('root gets somebody else for such services', asRoot, () => {
  const user = unprivilegedUser()
  assert.ok(user !== undefined && user.uid !== 0)
})

test('a folder is copied, once and for its user, only when they cannot read it', asRoot, () => {
  const root = mkdtempSync(join(tmpdir(), 'geowrite-user-'))
  chmodSync(root, 0o711)
  const user = { uid: 65534, gid: 65534 }
  const open = join(root, 'open')
  const closed = join(root, 'closed', 'inner')
  mkdirSync(open, { mode: 0o755 })
  mkdirSync(closed, { recursive: true })
  writeFileSync(join(closed, 'program'), 'x', { mode: 0o700 })
  chmodSync(join(root, 'closed'), 0o700)
  const copies = new Map<string, string>()
  assert.equal(readableFolder(user, open, root, copies), open)
  const copy = readableFolder(user, closed, root, copies)
  assert.notEqual(copy, closed)
  assert.equal(readFileSync(join(copy, 'program'), 'utf8'), 'x')
  const { uid, mode } = statSync(join(copy, 'program'))
  assert.deepEqual([uid, mode & 0o700], [65534, 0o700])
  assert.equal(readableFolder(user, closed, root, copies), copy)
  rmSync(root, { recursive: true })
})
