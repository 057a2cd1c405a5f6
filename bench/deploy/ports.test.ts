// Ports against real listeners: what is taken is skipped, and two allocators never meet.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { PortAllocator } from './ports.ts'

// Outside the default range, so that runs on this machine do not disturb the test.
const RANGE = { first: 12_000, last: 12_127 }

test('two allocators at once never hand out the same port', async () => {
  await using first = new PortAllocator(RANGE)
  await using second = new PortAllocator(RANGE)
  const takes = await Promise.all([first.take(20), second.take(20), first.take(3), second.take(3)])
  const ports = takes.flat().map(({ port }) => port)
  assert.equal(new Set(ports).size, 46)
  assert.ok(ports.every((port) => port >= RANGE.first && port <= RANGE.last))
})

test('a port that somebody listens on is skipped', async () => {
  const range = { first: 12_200, last: 12_207 }
  const squatter = createServer().listen(12_203, '127.0.0.1')
  await once(squatter, 'listening')
  await using allocator = new PortAllocator(range)
  const ports = (await allocator.take(6)).map(({ port }) => port)
  squatter.close()
  assert.deepEqual(ports, [12_201, 12_202, 12_204, 12_205, 12_206, 12_207])
})

test('an exhausted range is a PORTS error that names it, and a disposed allocator frees its ports', async () => {
  const range = { first: 12_300, last: 12_307 }
  {
    await using holder = new PortAllocator(range)
    await holder.take(1)
    await using other = new PortAllocator(range)
    await assert.rejects(other.take(1), { code: 'PORTS', message: /from 12300 to 12307/ })
    await assert.rejects(holder.take(7), { code: 'PORTS' })
  }
  await using again = new PortAllocator(range)
  assert.equal((await again.take(7)).length, 7)
})
