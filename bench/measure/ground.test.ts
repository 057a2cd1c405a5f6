// The ground under a real folder.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileSystemIn, measureGround } from './ground.ts'

const TMPFS_MAGIC = 0x01021994
const SHARED_MEMORY = '/dev/shm'

test('the disk under a folder is measured and nothing is left there', { timeout: 10_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-ground-'))
  const ground = await measureGround(folder)
  t.diagnostic(JSON.stringify(ground))
  assert.ok(ground.fdatasyncP50Ms > 0 && ground.fdatasyncP99Ms >= ground.fdatasyncP50Ms)
  assert.deepEqual(readdirSync(folder), [])
  assert.notEqual(ground.fileSystem, '')
  rmSync(folder, { recursive: true })
})

const hasTmpfs = existsSync(SHARED_MEMORY) && statfsSync(SHARED_MEMORY).type === TMPFS_MAGIC
test('writes to memory are known not to be counted', { skip: !hasTmpfs }, async () => {
  const ground = await measureGround(SHARED_MEMORY)
  assert.deepEqual([ground.fileSystem, ground.countsWrites], ['tmpfs', false])
})

test('a folder that cannot be written is an error in one sentence', async () => {
  await assert.rejects(measureGround('/no/such/folder'), { code: 'DATA_FOLDER', message: /^The disk under .*\.$/ })
})

test('the file system of a path is that of the longest mount point above it, the last one there', () => {
  const mounts = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 22 0:5 / /data rw - xfs /dev/vdb rw',
    '31 30 0:6 / /data/my\\040disk rw shared:3 master:1 - btrfs /dev/vdc rw',
    '32 31 0:7 / /data/my\\040disk rw - tmpfs none rw',
    '',
  ].join('\n')
  assert.equal(fileSystemIn(mounts, '/home/x'), 'ext4')
  assert.equal(fileSystemIn(mounts, '/data/x'), 'xfs')
  assert.equal(fileSystemIn(mounts, '/database'), 'ext4')
  assert.equal(fileSystemIn(mounts, '/data/my disk/x'), 'tmpfs')
})
