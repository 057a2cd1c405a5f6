// For tests: an authority of the test's own and certificates that it signs, as DER written by hand (RFC 5280), valid for a day.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

const SEQUENCE = 0x30
const SET = 0x31

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(4, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 + length.length]), length, content])
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const COMMON_NAME = oid('550403')
const BASIC_CONSTRAINTS = oid('551d13')
const ALTERNATIVE_NAME = oid('551d11')
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'))

const nameOf = (name: string): Buffer =>
  der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name)))))
const timeOf = (ms: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes)
const extension = (id: Buffer, value: Buffer): Buffer => der(SEQUENCE, id, der(0x04, value))

/** `host` as an alternative name: an address or a name. */
const alternativeName = (host: string): Buffer =>
  isIP(host) === 4 ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))

interface Signed {
  readonly certificate: string
  readonly key: string
}

function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`
}

/** An authority that nobody knows. */
export class Authority {
  readonly #name = 'geowrite tests'
  readonly #key: KeyObject
  readonly certificate: string
  #serial = 1

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    const isAuthority = extension(BASIC_CONSTRAINTS, der(SEQUENCE, der(0x01, Buffer.from([0xff]))))
    this.certificate = this.#signed(this.#name, publicKey, isAuthority)
  }

  /** A certificate for a server that is reached by these names and addresses, with its key. */
  forHosts(...hosts: readonly string[]): Signed {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const names = extension(ALTERNATIVE_NAME, der(SEQUENCE, ...hosts.map(alternativeName)))
    return {
      certificate: this.#signed(hosts[0], publicKey, names),
      key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    }
  }

  #signed(subject: string, key: KeyObject, extended: Buffer): string {
    const now = Date.now()
    const body = der(
      SEQUENCE,
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([this.#serial++])),
      ECDSA_WITH_SHA256,
      nameOf(this.#name),
      der(SEQUENCE, timeOf(now - 3_600_000), timeOf(now + 86_400_000)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(SEQUENCE, extended)),
    )
    return pem('CERTIFICATE', der(SEQUENCE, body, ECDSA_WITH_SHA256, bits(sign('sha256', body, this.#key))))
  }
}
