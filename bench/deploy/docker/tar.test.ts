// Archives against the system's own tar, both ways.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { firstFileOf, tarOf, type TarEntry } from './tar.ts'

const folder = mkdtempSync(join(tmpdir(), 'geowrite-tar-'))
after(() => rmSync(folder, { recursive: true }))

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const LONG = `${'a'.repeat(90)}/${'b'.repeat(60)}/${'c'.repeat(90)}`

test('what is packed here is unpacked by tar: folders, texts, copies, long names, modes', async () => {
  const large = join(folder, 'large')
  writeFileSync(large, Buffer.alloc(300_001, 'geowrite'))
  const entries: readonly TarEntry[] = [
    { path: 'data', mode: 0o700, ...user, holds: 'folder' },
    { path: 'data/text', mode: 0o600, ...user, holds: { content: 'größer' } },
    { path: 'data/empty', mode: 0o640, ...user, holds: { content: '' } },
    { path: 'data/block', mode: 0o600, ...user, holds: { content: 'x'.repeat(512) } },
    { path: 'data/copy', mode: 0o700, ...user, holds: { copyOf: large } },
    { path: LONG, mode: 0o600, ...user, holds: { content: 'far down' } },
  ]
  const out = join(folder, 'out')
  mkdirSync(out)
  execFileSync('tar', ['-xpf', '-', '-C', out], { input: await buffer(tarOf(entries)) })
  const modeOf = (path: string) => statSync(join(out, path)).mode & 0o777
  assert.deepEqual(
    [modeOf('data'), modeOf('data/text'), modeOf('data/empty'), modeOf('data/copy')],
    [0o700, 0o600, 0o640, 0o700],
  )
  assert.equal(readFileSync(join(out, 'data/text'), 'utf8'), 'größer')
  assert.equal(readFileSync(join(out, 'data/empty'), 'utf8'), '')
  assert.equal(readFileSync(join(out, 'data/block'), 'utf8'), 'x'.repeat(512))
  assert.ok(readFileSync(join(out, 'data/copy')).equals(readFileSync(large)))
  assert.equal(readFileSync(join(out, LONG), 'utf8'), 'far down')
  const impossible: TarEntry = { path: 'd'.repeat(101), mode: 0o600, ...user, holds: { content: '' } }
  await assert.rejects(buffer(tarOf([impossible])), { code: 'BUG' })
})

test('the owner is written as a number', async () => {
  const archive = await buffer(tarOf([{ path: 'a', mode: 0o600, uid: 999, gid: 1234, holds: { content: '' } }]))
  assert.match(
    execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: archive, encoding: 'utf8' }),
    / 999\/1234 /,
  )
})

test('the first file of what tar packs is read, in every format, past folders and attributes', () => {
  const source = join(folder, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'line one\nline two\n')
  chmodSync(join(source, 'file'), 0o600)
  for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
    const archive = execFileSync('tar', [`--format=${format}`, '-cf', '-', '-C', folder, 'source'])
    assert.equal(String(firstFileOf(archive)), 'line one\nline two\n', format)
  }
  mkdirSync(join(folder, 'none'))
  assert.equal(firstFileOf(execFileSync('tar', ['-cf', '-', '-C', folder, 'none'])), undefined)
})
