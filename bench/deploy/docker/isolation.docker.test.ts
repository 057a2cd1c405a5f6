// DCs are apart: from inside one, nothing of the other can be opened but what the link lets through.
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { ask } from '../service.fixture.ts'
import { containerService, DOCKER_TEST, openDocker } from './container.fixture.ts'

/** Some 200,000 connections are tried. */
const LIMIT = { ...DOCKER_TEST, timeout: 300_000 }

test('a DC’s container can open nothing of the other DC but the link', LIMIT, async () => {
  await using deployment = await openDocker()
  const link = containerService('link', ['say=ready'], {
    role: 'link',
    container: { image: 'geowrite', user: '1000:1000', folder: '/data', joins: ['b'] },
  })
  await deployment.place([
    containerService('near', ['say=ready']),
    containerService('far', ['say=ready'], { dc: 'b' }),
    link,
  ])
  deployment.route(() => ({ dc: 'a', port: 'main link' }))
  const never = new AbortController().signal
  await deployment.start('links', never, () => undefined)
  await deployment.start('deploy', never, () => undefined)
  const endpoints = deployment.endpoints()
  const asked = endpoints.a['main near']
  const opens = async (host: string, range = '1-65535'): Promise<readonly number[]> =>
    JSON.parse(await ask(asked, `open ${host} ${range}`)) as number[]
  const far = deployment.reachedInside('b', { dc: 'b', port: 'main far' })
  const near = deployment.reachedInside('a', { dc: 'a', port: 'main near' })
  const linkHere = deployment.reachedInside('a', { dc: 'a', port: 'main link' })
  const linkThere = deployment.reachedInside('b', { dc: 'a', port: 'main link' })
  assert.deepEqual(await opens(linkHere.host), [linkHere.port], 'the link alone, which shows that the probe can tell')
  assert.deepEqual(await opens(far.host), [])
  assert.deepEqual(await opens(linkThere.host), [])
  // The ports that the harness uses, at every address of this machine that a container may see.
  const gateways = [near, far].map(({ host }) => host.replace(/\d+$/, '1'))
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const machine = own.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address)
  const published = Object.values(endpoints).flatMap((dc) => Object.values(dc).map(({ port }) => port))
  for (const host of new Set(['127.0.0.1', ...gateways, ...machine])) {
    for (const port of published) assert.deepEqual(await opens(host, `${port}-${port}`), [], `at ${host}`)
  }
})
