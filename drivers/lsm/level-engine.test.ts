// What a LevelDB engine learns by reading never takes the place of what was written meanwhile, however much it forgot.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LevelEngine } from './level-engine.ts'
import { LSM_SETTINGS, lsmSettings } from './settings.ts'

/** An engine whose reads can be held up once they have read. */
class SlowEngine extends LevelEngine {
  gate: Promise<void> | undefined
  reads = 0

  override async read(keys: ArrayLike<number>): Promise<(Buffer | undefined)[]> {
    const records = await super.read(keys)
    this.reads++
    await this.gate
    return records
  }
}

function recordOf(dot: number, version: number): Buffer {
  const record = Buffer.alloc(17)
  record.writeDoubleLE(dot, 0)
  record.writeDoubleLE(version, 8)
  return record
}

test('a row that was written, and forgotten, while it was read is read again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-level-'))
  const defaults = lsmSettings(Object.fromEntries(LSM_SETTINGS.map((setting) => [setting.name, setting.default])))
  const engine = new SlowEngine(folder, { ...defaults, recentRows: 1, recentRecordBytes: 1 }, true)
  await engine.open()
  let version = 16
  const write = async (key: number) => {
    version += 16
    engine.put(key, version, version + 1, recordOf(version + 1, version))
    await engine.commit(0, version)
  }
  await write(7)
  for (const key of [1, 2, 3]) await write(key)
  assert.equal(engine.record(7), undefined)
  assert.ok(Number.isNaN(engine.known(7)))

  const { promise, resolve } = Promise.withResolvers<void>()
  engine.gate = promise
  const learned = engine.learn([7, 8])
  while (engine.reads === 0) await new Promise((turn) => setImmediate(turn))
  await write(7)
  const written = version
  for (const key of [1, 2, 3]) await write(key)
  assert.equal(engine.record(7), undefined)
  engine.gate = undefined
  resolve()
  await learned
  assert.equal(engine.known(7), written)
  assert.deepEqual(engine.record(7), recordOf(written + 1, written))
  assert.equal(engine.known(8), 0)
  assert.equal(engine.record(8), null)
  await engine.close()
  rmSync(folder, { recursive: true })
})
