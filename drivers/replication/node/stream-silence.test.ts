// A stream whose other end falls silent is given up by the living end, and goes on where it was when the other end is back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTCOME } from '../../../bench/contract/outcome.ts'
import { joiningDirectly } from '../../../bench/joining.fixture.ts'
import { memory } from '../../memory/driver.ts'
import { NodeConnection } from './connection.ts'
import { MESSAGE, type NodeStatus, ROLE } from './message.ts'
import { Nodes, SECRET, Writer, consecutive, until } from './nodes.fixture.ts'

test('silence ends a stream in both directions, and what was written meanwhile arrives afterwards', async () => {
  await using nodes = await Nodes.start(memory)
  await using admin = await nodes.admin()
  await admin.replicate(joiningDirectly(nodes.endpoints))
  await using west = await nodes.open('west')
  await using east = await nodes.open('east')
  const hello = { role: ROLE.client, dcIndex: 0, secret: SECRET }
  const connection = await NodeConnection.open({ address: nodes.endpoints.west.node, hello, timeoutMs: 2000 })
  const status = async () => JSON.parse(String(await connection.ask(MESSAGE.status, Buffer.alloc(0)))) as NodeStatus
  nodes.signal('east', 'SIGSTOP')
  const batch = new Writer(0).batch(consecutive(0, 300))
  assert.equal((await west.write(batch)).outcome, OUTCOME.ok)
  const [before] = (await status()).peers
  assert.deepEqual([before.following, before.streaming, before.acknowledgedRows], [true, true, 0])
  await until('the end of the streams', async () => {
    const [peer] = (await status()).peers
    return !peer.following && !peer.streaming
  })
  assert.equal((await status()).headRows, 300)
  nodes.signal('east', 'SIGCONT')
  await until('the rows', async () => (await status()).peers[0].acknowledgedRows === 300)
  const { dots } = await east.read(batch.keys)
  assert.deepEqual([...dots], [...batch.dots])
  connection.close()
})
