// What kill -9 leaves of a LevelDB folder is never taken for damage, and holds every commit that was acknowledged.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { randomStream } from '../../bench/lib/random.ts'
import { LevelEngine } from './level-engine.ts'
import { DEFAULTS } from './level-folder.fixture.ts'

const WRITER = fileURLToPath(new URL('./level-writer.fixture.ts', import.meta.url))
const KILLS = Number(process.env['GEOWRITE_LEVEL_KILLS'] ?? 5)

test('a folder whose writer is killed again and again always opens, with rows and position of every acknowledged commit', async (t) => {
  const seed = Date.now() % 1_000_000
  t.diagnostic(`seed ${seed}`)
  const random = randomStream(seed)
  const root = mkdtempSync(join(tmpdir(), 'geowrite-killed-'))
  const folder = join(root, 'level')
  let acknowledged = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const writer = spawn(process.execPath, [WRITER, folder, String(seed + kill)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    writer.stderr.on('data', (bytes: Buffer) => said.push(bytes))
    const closed = once(writer, 'close')
    let commits = random.uint32() % 300
    for await (const line of createInterface(writer.stdout)) {
      const head = Number(line.replace('opened ', ''))
      assert.ok(line.startsWith('opened') ? head >= acknowledged : head > acknowledged, `${line} after ${acknowledged}`)
      acknowledged = head
      if (commits-- === 0) writer.kill('SIGKILL')
    }
    await closed
    assert.equal(writer.signalCode, 'SIGKILL', Buffer.concat(said).toString('utf8'))
  }
  const engine = new LevelEngine(folder, DEFAULTS, false)
  const { head, applied, entries } = await engine.open()
  assert.ok(head >= acknowledged && acknowledged > 0)
  assert.deepEqual(applied.get(1), { logId: 1, position: head })
  assert.equal(entries.length, head)
  const records = await engine.read(entries)
  records.forEach((record, i) => assert.ok(record?.subarray(16).every((byte) => byte === (entries[i] & 255))))
  await engine.close()
  rmSync(root, { recursive: true })
})
