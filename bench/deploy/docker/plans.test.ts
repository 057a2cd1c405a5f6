// What is decided before an engine is asked: labels, images, files, and where everything is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import { testService } from '../service.fixture.ts'
import { thisOwner } from '../owner.ts'
import { AddressBook } from './address-book.ts'
import { archiveEntries, userOf } from './container-files.ts'
import { readingIn } from './container-usage.ts'
import { imageNames, imageReference } from './images.ts'
import { abandonedRuns, labelsOf } from './labels.ts'
import { listens, sourceInImage, type Placement } from './placement.ts'

test('runs whose harness is gone are found by their labels, living ones and those of others are not', () => {
  const gone = { ...thisOwner(), pid: 2 ** 22 + 1 }
  const elsewhere = { ...gone, namespace: 'pid:[1]' }
  const labels = (runId: string, owner: unknown) => ({ ...labelsOf(runId), 'geowrite.owner': JSON.stringify(owner) })
  const found = [labelsOf('lives'), labels('dead', gone), labels('dead', gone), labels('of another', elsewhere), {}]
  assert.deepEqual(abandonedRuns(found), ['dead'])
  assert.deepEqual(abandonedRuns([{ ...labelsOf('torn'), 'geowrite.owner': '{' }]), ['torn'])
})

test('an image is the pinned one unless the environment, or before it the option, names another', (t) => {
  t.after(() => delete process.env.GEOWRITE_IMAGE_POSTGRES)
  assert.ok(imageNames().includes('postgres'))
  assert.match(imageReference('postgres', {}), /^postgres:18/)
  process.env.GEOWRITE_IMAGE_POSTGRES = 'mine:1'
  assert.equal(imageReference('postgres', {}), 'mine:1')
  assert.equal(imageReference('postgres', { postgres: 'mine:2' }), 'mine:2')
  assert.throws(() => imageReference('postgress', {}), { code: 'SCENARIO' })
})

test('a service’s files are its user’s alone, below its folder, with every folder on the way', () => {
  const entries = archiveEntries('/var/lib/x', userOf('70:71'), [
    { path: 'a/b/config', content: '1' },
    { path: 'copy', copyOf: import.meta.filename },
  ])
  assert.deepEqual(
    entries.map(({ path, mode, uid, gid, holds }) => [path, mode, uid, gid, holds === 'folder']),
    [
      ['var/lib/x', 0o700, 70, 71, true],
      ['var/lib/x/a', 0o700, 70, 71, true],
      ['var/lib/x/a/b', 0o700, 70, 71, true],
      ['var/lib/x/a/b/config', 0o600, 70, 71, false],
      ['var/lib/x/copy', 0o600, 70, 71, false],
    ],
  )
  assert.throws(() => userOf('postgres'), { code: 'BUG' })
})

test('a source of ours is where the Dockerfile copies it to, and a file from elsewhere is refused', () => {
  const path = sourceInImage(new URL(import.meta.url))
  assert.equal(path, '/geowrite/bench/deploy/docker/plans.test.ts')
  const dockerfile = readFileSync(new URL('../../../docker/node/Dockerfile', import.meta.url), 'utf8')
  assert.match(dockerfile, /^COPY bench \/geowrite\/bench$/m)
  assert.throws(() => sourceInImage(pathToFileURL('/elsewhere/driver.ts')), { code: 'SCENARIO' })
})

const container = { image: 'geowrite', user: '1000:1000', folder: '/data' }
const placed = (name: string, dcs: readonly string[], change = {}): Placement => ({
  service: testService(name, [], { dc: dcs[0], ...change }),
  container,
  networks: dcs.map((dc) => ({ dc, name: `net-${dc}`, address: `10.0.${dc === 'a' ? 1 : 2}.${name.length}` })),
  outside: [{ host: '127.0.0.1', port: 15_000 + name.length }],
})

test('who asks decides which address of a port they get', () => {
  const near = placed('near', ['a'])
  const far = placed('distant', ['b'])
  const link = placed('link between', ['a', 'b'], { role: 'link' })
  const book = new AddressBook()
  for (const each of [near, far, link]) book.add(each)
  book.route = (from, to, port) => {
    assert.deepEqual([from, to, port], ['a', 'b', 'main distant'])
    return { dc: 'a', port: 'main link between' }
  }
  const inside = (host: string) => ({ host, port: 20_001 })
  const outside = (port: number) => ({ host: '127.0.0.1', port })
  assert.deepEqual(listens(near), { 'main near': inside('10.0.1.4') })
  assert.deepEqual(listens(link), { 'main link between': inside('0.0.0.0') })
  assert.deepEqual(book.reach(near.service, 'a', 'main near'), inside('10.0.1.4'))
  assert.deepEqual(book.reach(near.service, 'b', 'main distant'), inside('10.0.1.12'))
  assert.deepEqual(book.reach(link.service, 'b', 'main distant'), inside('10.0.2.7'))
  assert.deepEqual(book.reachedInside('b', { dc: 'a', port: 'main link between' }), inside('10.0.2.12'))
  assert.throws(() => book.reachedInside('a', { dc: 'b', port: 'main distant' }), { code: 'BUG' })
  assert.deepEqual(book.seenByServices('a'), {
    a: { 'main near': inside('10.0.1.4') },
    b: { 'main distant': inside('10.0.1.12') },
  })
  assert.deepEqual(book.seenByClients('a'), {
    a: { 'main near': outside(15_004) },
    b: { 'main distant': outside(15_012) },
  })
})

test('what the engine counts is read in both versions of control groups, and what it does not count is not 0', () => {
  const cpu_stats = { cpu_usage: { total_usage: 1_500_000_000 } }
  const io = [
    { op: 'read', value: 10 },
    { op: 'write', value: 20 },
    { op: 'write', value: 5 },
  ]
  const second = { stats: { anon: 100, file_mapped: 50, file: 1000 } }
  const both = { cpuSeconds: 1.5, residentBytes: 150 }
  assert.deepEqual(readingIn({ cpu_stats, memory_stats: second, blkio_stats: { io_service_bytes_recursive: io } }), {
    ...both,
    storageWriteBytes: 25,
    storageReadBytes: 10,
  })
  assert.deepEqual(readingIn({ cpu_stats, memory_stats: second, blkio_stats: { io_service_bytes_recursive: null } }), {
    ...both,
    storageWriteBytes: 0,
    storageReadBytes: 0,
  })
  const first = { stats: { total_rss: 100, total_mapped_file: 50, total_cache: 1000 } }
  assert.deepEqual(readingIn({ cpu_stats, memory_stats: first, blkio_stats: { io_service_bytes_recursive: [] } }), {
    ...both,
    storageWriteBytes: null,
    storageReadBytes: null,
  })
})
