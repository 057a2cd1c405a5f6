// An lsm node on damaged data says so in one sentence and ends, when it starts as in mid-run; one that was killed goes on.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { OUTCOME } from '../../bench/contract/outcome.ts'
import { Nodes, Writer, consecutive } from '../replication/node/nodes.fixture.ts'
import { lsm } from './driver.ts'

const NODE_PROCESS = fileURLToPath(new URL('./node-process.ts', import.meta.url))

/** The node of a DC, started anew, whose words are heard. */
function startHeard(nodes: Nodes, dc: string) {
  const child = spawn(process.execPath, [NODE_PROCESS, join(nodes.folder, dc, 'config.json')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
  return {
    ready: once(child.stdout, 'data'),
    ended: once(child, 'close').then(([code]) => code as number),
    lines: () => Buffer.concat(said).toString('utf8').split('\n').slice(0, -1),
    kill: () => child.kill('SIGKILL'),
  }
}

/** Paths of the files in a DC's LevelDB folder whose names end so. */
function levelFiles(nodes: Nodes, dc: string, end: string): string[] {
  const folder = join(nodes.folder, dc, 'data', 'level')
  return readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name))
}

async function written(nodes: Nodes): Promise<void> {
  await using session = await nodes.open('west')
  const writer = new Writer(0)
  for (let from = 0; from < 1000; from += 100) {
    assert.equal((await session.write(writer.batch(consecutive(from, 100)))).outcome, OUTCOME.ok)
  }
}

test('a node whose log has a flipped bit does not start, and says in one line where and what to do', async () => {
  await using nodes = await Nodes.start(lsm, { sync: 'true' })
  await written(nodes)
  await nodes.end('west', 'SIGKILL')
  const [log] = levelFiles(nodes, 'west', '.log')
  const bytes = readFileSync(log)
  bytes[bytes.length >> 1] ^= 4
  writeFileSync(log, bytes)
  const node = startHeard(nodes, 'west')
  assert.equal(await node.ended, 1)
  const [line, ...more] = node.lines()
  assert.match(
    line,
    /^\S+Z \/.*\.log is damaged at byte \d+: the checksum of a record does not fit, .*discard the folder/,
  )
  assert.deepEqual(more, [])
  // Nothing was opened, so nothing was tidied away.
  assert.deepEqual(readFileSync(log), bytes)
})

test('a node whose log was cut off says what it drops, and starts', async () => {
  await using nodes = await Nodes.start(lsm)
  await written(nodes)
  await nodes.end('west', 'SIGKILL')
  const [log] = levelFiles(nodes, 'west', '.log')
  truncateSync(log, statSync(log).size - 3)
  const node = startHeard(nodes, 'west')
  await node.ready
  node.kill()
  await node.ended
  assert.match(node.lines()[0], /^\S+Z \d+\.log ends in a record that was cut off: its \d+ bytes from byte \d+ on are/)
})

test('a node that finds its tables damaged in mid-run ends with the sentence instead of an answer', async () => {
  await using nodes = await Nodes.start(lsm, { block_cache_bytes: '0' })
  await written(nodes)
  await using admin = await nodes.admin()
  await admin.flush()
  await nodes.end('west', 'SIGKILL')
  const node = startHeard(nodes, 'west')
  await node.ready
  for (const table of levelFiles(nodes, 'west', '.ldb')) {
    const file = openSync(table, 'r+')
    writeSync(file, Buffer.alloc(Math.floor(statSync(table).size * 0.9), 0xff))
    closeSync(file)
  }
  await using session = await nodes.open('west')
  await assert.rejects(session.read(Float64Array.from(consecutive(0, 1000))))
  assert.equal(await node.ended, 1)
  assert.match(
    node.lines().at(-1) ?? '',
    /^\S+Z LevelDB finds its data in .* damaged \(Corruption: .*discard the folder/,
  )
})
