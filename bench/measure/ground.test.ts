// The ground under a real folder.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { usageOf } from '../deploy/process-table.ts'
import { deviceWrittenBytes, fileSystemIn, measureGround } from './ground.ts'

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

test('the device counter grows by what is forced to the disk, and an overwritten log is not counted by whole folios', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-device-'))
  try {
    const ownBytes = () => usageOf([process.pid])[0].storageWriteBytes
    const before = deviceWrittenBytes(folder)
    const path = join(folder, 'log')
    const blocks = 100
    await using file = await open(path, 'w')
    await file.write(Buffer.alloc(16 << 20))
    await file.datasync()
    const filled = ownBytes()
    for (let i = 0; i < blocks; i++) {
      await file.write(Buffer.alloc(8192, 1), 0, 8192, i * 8192)
      await file.datasync()
    }
    const after = deviceWrittenBytes(folder)
    const ownAfter = ownBytes()
    if (before === null || after === null || filled === null || ownAfter === null) return
    assert.ok(after - before >= (16 << 20) + blocks * 8192)
    // What this process wrote meanwhile besides is small: a test report.
    assert.ok(ownAfter - filled < 3 * blocks * 8192, `${ownAfter - filled} bytes for ${blocks * 8192}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
