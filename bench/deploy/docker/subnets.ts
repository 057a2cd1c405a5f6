// Which addresses the networks of DCs get: small private IPv4 networks that nothing on this machine uses.
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** An IPv4 network: its first address as a number, and how many leading bits name it. */
export interface Subnet {
  readonly first: number
  readonly bits: number
}

/** Reads `10.1.2.0/24`; undefined for anything else, IPv6 among it. */
export function subnetOf(text: string): Subnet | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (match === null) return undefined
  const [a, b, c, d, bits] = match.slice(1).map(Number)
  if (Math.max(a, b, c, d) > 255 || bits > 32) return undefined
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d
  const size = 2 ** (32 - bits)
  return { first: address - (address % size), bits }
}

export function overlap(one: Subnet, other: Subnet): boolean {
  const size = 2 ** (32 - Math.min(one.bits, other.bits))
  return Math.floor(one.first / size) === Math.floor(other.first / size)
}

/** The address at place `index` of a network, such as `10.1.2.3` for 3. */
export function addressAt({ first, bits }: Subnet, index: number): string {
  if (index < 0 || index >= 2 ** (32 - bits)) throw new RangeError(`a network of ${bits} bits has no address ${index}`)
  const address = first + index
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}

export function subnetText(subnet: Subnet): string {
  return `${addressAt(subnet, 0)}/${subnet.bits}`
}

/** Networks of 254 hosts in 10.128.0.0/9, where few others are, each once. */
const POOL: Subnet = { first: 10 * 2 ** 24 + 128 * 2 ** 16, bits: 9 }
const BITS = 24
const COUNT = 2 ** (BITS - POOL.bits)

/** Networks that do not overlap with those taken, from the `start`-th share of the pool on: runs that begin at once rarely meet. */
export function* freeSubnets(taken: readonly Subnet[], start: number): Generator<Subnet, undefined> {
  const begin = Math.floor(start * COUNT)
  for (let i = 0; i < COUNT; i++) {
    const subnet = { first: POOL.first + ((begin + i) % COUNT) * 2 ** (32 - BITS), bits: BITS }
    if (!taken.some((other) => overlap(subnet, other))) yield subnet
  }
  return undefined
}

/** Networks that this machine has or knows a way to. */
export function subnetsInUse(): readonly Subnet[] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const direct = own.flatMap(({ cidr }) => subnetOf(cidr ?? '') ?? [])
  return [...direct, ...routed()]
}

/** Routes of the kernel's table; where there is none the engine's own refusal has to do. */
function routed(): readonly Subnet[] {
  let table
  try {
    table = readFileSync('/proc/net/route', 'latin1')
  } catch {
    return []
  }
  return routesIn(table)
}

/** The networks in the text of /proc/net/route, where addresses are little-endian hexadecimal; the default route is none. */
export function routesIn(table: string): readonly Subnet[] {
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .map((fields) => ({ first: fromLittleEndian(fields[1]), bits: bitsOf(fromLittleEndian(fields[7])) }))
    .filter(({ bits }) => bits > 0)
}

function fromLittleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE()
}

function bitsOf(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}
