// Data folders and what runs leave of them, with a real process that dies.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { createDataFolder, leftovers, removeLeftovers } from './data-folder.ts'

const base = mkdtempSync(join(tmpdir(), 'geowrite-folders-'))
after(() => rmSync(base, { recursive: true, force: true }))

test('a folder whose owner died is a leftover and is removed, one whose owner lives is not', () => {
  const own = createDataFolder('own', base)
  assert.equal(basename(own), 'run-own')
  assert.deepEqual([statSync(own).mode & 0o777, statSync(dirname(own)).mode & 0o777], [0o711, 0o711])
  const script = `
    const { createDataFolder } = await import(${JSON.stringify(new URL('./data-folder.ts', import.meta.url))})
    createDataFolder('dead', ${JSON.stringify(base)})`
  assert.equal(spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 }).status, 0)
  const dead = join(dirname(own), 'run-dead')
  assert.deepEqual(leftovers(base), [dead])
  assert.deepEqual(removeLeftovers(base), [dead])
  assert.deepEqual([existsSync(dead), existsSync(own)], [false, true])
  assert.deepEqual(leftovers(join(base, 'none')), [])
})

test('a base that is no folder is a DATA_FOLDER error in one sentence', () => {
  const file = join(base, 'file')
  writeFileSync(file, '')
  assert.throws(() => createDataFolder('x', file), {
    code: 'DATA_FOLDER',
    message: /^The folder .* cannot be written \(.*\): .*\.$/,
  })
})
