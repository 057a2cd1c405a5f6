// Where servers are and who logs in, as files and environments say it, and what is said of what they get wrong.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Driver } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { Authority } from './certificates.fixture.ts'
import { externalServers } from './external-endpoints.ts'

const SECRET = 'hunter2'
const folder = mkdtempSync(join(tmpdir(), 'geowrite-endpoints-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const authority = new Authority()
writeFileSync(join(folder, 'ca.pem'), authority.certificate)
writeFileSync(join(folder, 'no-ca.pem'), 'nothing')

const driver: Pick<Driver, 'name' | 'external'> = {
  name: 'store',
  external: {
    ports: ['sql', 'admin'],
    settings: [],
    user: 'usual',
    database: 'main',
    password: ({ user }) => `kept for ${user}`,
  },
}

const FILE = `store:
  us-east:
    ports: {sql: "db1.example.com:5432", admin: "[::1]:80"}
    user: bench
    tls: {ca: ca.pem, servername: db1}
    peers: {ports: {sql: 10.0.0.5:6000}, tls: require}
  eu-west:
    ports: {sql: 10.0.1.5:5432, admin: 10.0.1.5:80}
    tls: false
`

let files = 0
function servers(text: string | undefined, environment: Readonly<Record<string, string>> = {}) {
  const file = join(folder, `endpoints-${files++}.yaml`)
  if (text !== undefined) writeFileSync(file, text)
  return externalServers({
    driver,
    dcs: ['us-east', 'eu-west'],
    file: text === undefined ? undefined : file,
    environment,
  })
}

test('a file says where each DC is, how its peers reach it, who logs in and how that is encrypted', () => {
  const { ports, peerPorts, access } = servers(FILE)
  assert.deepEqual(ports, {
    'us-east': { sql: { host: 'db1.example.com', port: 5432 }, admin: { host: '::1', port: 80 } },
    'eu-west': { sql: { host: '10.0.1.5', port: 5432 }, admin: { host: '10.0.1.5', port: 80 } },
  })
  assert.deepEqual(peerPorts['us-east'], { ...ports['us-east'], sql: { host: '10.0.0.5', port: 6000 } })
  assert.deepEqual(peerPorts['eu-west'], ports['eu-west'])
  assert.deepEqual(access['us-east'], {
    user: 'bench',
    password: 'kept for bench',
    database: 'main',
    tls: { ca: authority.certificate, servername: 'db1', verify: true },
    peerTls: { mode: 'require', ca: 'system' },
  })
  assert.deepEqual(access['eu-west'], {
    user: 'usual',
    password: 'kept for usual',
    database: 'main',
    tls: null,
    peerTls: { mode: 'disable', ca: 'system' },
  })
})

test('certificates are verified unless the user says otherwise', () => {
  const { access } = servers(FILE.replace('tls: false', 'user: x'))
  assert.deepEqual(access['eu-west'].tls, { verify: true })
  assert.deepEqual(access['eu-west'].peerTls, { mode: 'verify-full', ca: 'system' })
  const unverified = servers(FILE.replace('tls: false', 'tls: {verify: false}'))
  assert.deepEqual(unverified.access['eu-west'].tls, { verify: false })
})

test('the environment goes before the file, and a variable of one DC before that of all', () => {
  const { ports, peerPorts, access } = servers(FILE, {
    GEOWRITE_STORE_US_EAST_SQL: 'other:1',
    GEOWRITE_STORE_PEER_ADMIN: 'inside:2',
    GEOWRITE_STORE_USER: 'all',
    GEOWRITE_STORE_EU_WEST_USER: 'one',
    GEOWRITE_STORE_PASSWORD: SECRET,
    GEOWRITE_STORE_EU_WEST_TLS: 'unverified',
    GEOWRITE_STORE_PEER_TLS: 'verify-ca',
    GEOWRITE_STORE_PEER_CA: '/there.pem',
    GEOWRITE_OTHER_USER: 'not ours',
  })
  assert.deepEqual(ports['us-east']['sql'], { host: 'other', port: 1 })
  assert.deepEqual(peerPorts['eu-west']['admin'], { host: 'inside', port: 2 })
  assert.deepEqual([access['us-east'].user, access['eu-west'].user], ['all', 'one'])
  assert.equal(access['us-east'].password, SECRET)
  assert.deepEqual(access['eu-west'].tls, { verify: false })
  assert.deepEqual(access['eu-west'].peerTls, { mode: 'verify-ca', ca: '/there.pem' })
})

test('the environment alone is enough', () => {
  const { ports } = servers(undefined, {
    GEOWRITE_STORE_US_EAST_SQL: 'a:1',
    GEOWRITE_STORE_US_EAST_ADMIN: 'a:2',
    GEOWRITE_STORE_EU_WEST_SQL: 'b:1',
    GEOWRITE_STORE_EU_WEST_ADMIN: 'b:2',
  })
  assert.deepEqual(ports['eu-west'], { sql: { host: 'b', port: 1 }, admin: { host: 'b', port: 2 } })
})

const WRONG: readonly (readonly [
  what: string,
  text: string | undefined,
  environment: Record<string, string>,
  sentence: RegExp,
])[] = [
  ['a misspelt word', FILE.replace('user:', 'usr:'), {}, /store\.us-east has no usr: did you mean user\?/],
  [
    'a misspelt word of tls',
    FILE.replace('servername', 'server_name'),
    {},
    /store\.us-east\.tls has no server_name: did you mean servername\?/,
  ],
  [
    'a misspelt word of peers',
    FILE.replace('tls: require', 'tsl: require'),
    {},
    /store\.us-east\.peers has no tsl: did you mean tls\?/,
  ],
  [
    'a password',
    FILE.replace('user: bench', `password: ${SECRET}`),
    {},
    /has a password, which belongs in no file of this kind/,
  ],
  ['a misspelt driver', FILE.replace('store:', 'stroe:'), {}, /have no store but stroe: name it store/],
  ['a misspelt port', FILE.replace('{sql: 10', '{sqk: 10'), {}, /have no port sqk: did you mean sql\?/],
  [
    'an address with a login in it',
    FILE.replace('db1.example.com:5432', `x:${SECRET}@db1:5432`),
    {},
    /The port sql of store in us-east is not host:port/,
  ],
  [
    'a port that is none',
    FILE.replace('10.0.1.5:5432', '10.0.1.5:70000'),
    {},
    /The port sql of store in eu-west is not host:port/,
  ],
  [
    'a missing port',
    FILE.replace(', admin: 10.0.1.5:80', ''),
    {},
    /where the port admin of store in eu-west is: .* GEOWRITE_STORE_EU_WEST_ADMIN=host:port/,
  ],
  [
    'a DC of another name',
    FILE.replace('eu-west', 'eu-north'),
    {},
    /in eu-west is \(the file has eu-north: --dcs names the DCs\)/,
  ],
  [
    'a certificate that is not there',
    FILE.replace('ca.pem', 'gone.pem'),
    {},
    /The certificate .*gone\.pem cannot be read/,
  ],
  ['a certificate that is none', FILE.replace('ca.pem', 'no-ca.pem'), {}, /no-ca\.pem holds no certificate in PEM/],
  ['no YAML', `store: {password: ${SECRET}`, {}, /cannot be read \(.* in line 1\): give a YAML or JSON file/],
  ['a list', '- a', {}, /it is not a list of names with what belongs to each/],
  [
    'a misspelt variable',
    FILE,
    { GEOWRITE_STORE_PASWORD: SECRET },
    /Nothing is known of GEOWRITE_STORE_PASWORD in the environment: did you mean GEOWRITE_STORE_PASSWORD\?/,
  ],
  [
    'a kind of TLS that there is not',
    FILE,
    { GEOWRITE_STORE_TLS: SECRET },
    /TLS of the environment is none of on, unverified, off/,
  ],
]

for (const [what, text, environment, sentence] of WRONG) {
  test(`${what} is told in one sentence, without what may be secret`, () => {
    assert.throws(
      () => servers(text, environment),
      (error) => {
        assert.ok(error instanceof BenchError && error.code === 'USAGE', String(error))
        assert.match(error.message, sentence)
        assert.ok(!error.message.includes(SECRET), error.message)
        return true
      },
    )
  })
}

test('a driver that has no use for servers of the user says why', () => {
  const asked = { dcs: ['us-east', 'eu-west'], file: undefined, environment: {} }
  assert.throws(
    () => externalServers({ ...asked, driver: { name: 'own', external: { cannot: 'it has no servers' } } }),
    /own cannot run with --deployment=external, because it has no servers: choose another driver/,
  )
  assert.throws(() => externalServers({ ...asked, driver: { name: 'silent' } }), /because it does not say how/)
})
