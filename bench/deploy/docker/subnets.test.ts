// Which networks are free: arithmetic against a plain count of addresses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressAt, freeSubnets, overlap, routesIn, subnetOf, subnetsInUse, subnetText } from './subnets.ts'

const SEED = 3

test('a network is read as people and engines write it, and everything else is none', () => {
  assert.equal(subnetText(subnetOf('10.1.2.3/24') ?? assert.fail()), '10.1.2.0/24')
  assert.equal(subnetText(subnetOf('172.17.255.1/16') ?? assert.fail()), '172.17.0.0/16')
  for (const text of ['', '10.1.2.3', '10.1.2/24', '10.1.2.300/24', '10.1.2.3/33', 'fe80::/64'])
    assert.equal(subnetOf(text), undefined, text)
})

test('two networks overlap exactly when they share an address', (t) => {
  t.diagnostic(`seed ${SEED}`)
  const near = fc.record({ last: fc.integer({ min: 0, max: 255 }), bits: fc.integer({ min: 24, max: 32 }) })
  fc.assert(
    fc.property(near, near, (one, other) => {
      const [a, b] = [one, other].map(({ last, bits }) => subnetOf(`10.0.0.${last}/${bits}`) ?? assert.fail())
      const addresses = ({ first, bits }: typeof a) => Array.from({ length: 2 ** (32 - bits) }, (_, i) => first + i)
      const shared = addresses(a).some((address) => addresses(b).includes(address))
      assert.equal(overlap(a, b), shared)
    }),
    { seed: SEED },
  )
})

test('subnets are offered each once, from anywhere on, and never one that is taken', () => {
  const taken = ['10.128.0.0/10', '10.200.7.0/25', '0.0.0.0/32'].map((text) => subnetOf(text) ?? assert.fail())
  for (const start of [0, 0.5, 0.999999]) {
    const offered = [...freeSubnets(taken, start)].map(subnetText)
    assert.equal(new Set(offered).size, offered.length)
    // Half the pool, less the one that is taken in part.
    assert.equal(offered.length, 2 ** 14 - 1)
    assert.ok(offered.every((text) => text.startsWith('10.') && text.endsWith('.0/24') && text !== '10.200.7.0/24'))
  }
  assert.deepEqual([...freeSubnets([subnetOf('10.0.0.0/8') ?? assert.fail()], 0.3)], [])
})

test('the places of a network are its addresses', () => {
  const subnet = subnetOf('10.255.254.0/24') ?? assert.fail()
  assert.equal(addressAt(subnet, 1), '10.255.254.1')
  assert.equal(addressAt(subnet, 254), '10.255.254.254')
  assert.throws(() => addressAt(subnet, 256), RangeError)
})

test('the kernel’s routes are read, the default one left out', () => {
  const table = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    'tun0\t0002010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n')
  assert.deepEqual(routesIn(table).map(subnetText), ['192.168.0.0/16', '10.1.2.0/24'])
})

test('the loopback network of this machine is in use', () => {
  assert.ok(subnetsInUse().some((subnet) => subnetText(subnet) === '127.0.0.0/8'))
})
