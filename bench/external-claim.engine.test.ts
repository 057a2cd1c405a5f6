// What a run may do on servers that others use too: alone in its database, with nothing of anybody else's ended or removed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, disconnect } from '../drivers/postgres/connect.ts'
import { postgres } from '../drivers/postgres/driver.ts'
import { testPlan } from '../drivers/postgres/servers.fixture.ts'
import { makeSlotSoon } from '../drivers/postgres/slot.ts'
import type { Admin, Joining } from './contract/driver.ts'
import { BenchError } from './contract/errors.ts'
import { externalServers } from './deploy/external-endpoints.ts'
import { OwnServers, PASSWORD, USER } from './external.fixture.ts'
import { delay } from './lib/clock.ts'

const DCS = ['us-east', 'eu-west']
const NO_JOINING = {} as Joining
const signal = AbortSignal.timeout(240_000)
let servers: OwnServers

before(async () => {
  servers = await OwnServers.start()
  process.env['GEOWRITE_POSTGRES_PASSWORD'] = PASSWORD
})

after(async () => {
  delete process.env['GEOWRITE_POSTGRES_PASSWORD']
  await servers[Symbol.asyncDispose]()
})

/** A run's admin; each `secret` is a run. */
function adminOf(secret: string, replaceExisting = false, replication = 'cdc'): Promise<Admin> {
  const found = externalServers({ driver: postgres, dcs: DCS, file: servers.endpoints(), environment: process.env })
  const external = { ...found, replaceExisting, keepTables: false }
  return postgres.admin(external.ports, { ...testPlan(), replication, secret, external }, signal)
}

const clientOf = (database: string) =>
  connect({
    address: { host: '127.0.0.1', port: servers.port('eu-west') },
    secret: '',
    access: { user: USER, password: PASSWORD, database, tls: null, peerTls: { mode: 'disable', ca: '' } },
    application: 'somebody',
    patienceMs: 0,
    attemptMs: 5000,
  })

/** Something that a run asks of every server. */
const reads = (admin: Admin) => Promise.all(DCS.map((dc) => admin.digest(dc, { buckets: 1 })))

async function end(dc: string, applications: string): Promise<void> {
  const ended = await servers.ask(
    dc,
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE '${applications}'`,
  )
  assert.equal(ended.length, 1)
  // The other end has to hear of it.
  await delay(200)
}

async function nothingIsLeft(): Promise<void> {
  for (const dc of DCS) assert.deepEqual(await servers.things(dc), [], dc)
}

async function isToldBy(promise: Promise<unknown> | undefined, sentence: RegExp): Promise<void> {
  await assert.rejects(promise ?? Promise.resolve(), (error) => {
    assert.ok(error instanceof BenchError, String(error))
    assert.equal(error.code, 'SERVERS')
    assert.match(error.message, sentence)
    assert.match(error.message, /^[^\n]*\.$/)
    return true
  })
}

test('a run whose connection was lost keeps others out until it has removed all', async () => {
  await using admin = await adminOf('one')
  await admin.prepare()
  await end('eu-west', 'geowrite-admin-%')
  await reads(admin)
  await using other = await adminOf('two')
  await isToldBy(other.prepare(), /Another run of geowrite is in this database of /)
  await other.remove?.()
  await reads(admin)
  await admin.remove?.()
  await nothingIsLeft()
})

test('a run that lost its lock ends, and leaves alone what another one has made since', async () => {
  await using admin = await adminOf('one')
  await admin.prepare()
  for (const dc of DCS) await end(dc, 'geowrite-lock-%')
  await isToldBy(reads(admin), /connection that kept other runs out of the database of \S+ has ended/)
  await isToldBy(admin.backlog(), /run again/)
  await using other = await adminOf('two')
  await other.prepare()
  await isToldBy(admin.remove?.(), /Another run of geowrite is in this database of /)
  for (const dc of DCS) assert.ok((await servers.things(dc)).includes('geowrite_made'))
  await reads(other)
  const kept = await servers.ask('eu-west', `SELECT FROM pg_stat_activity WHERE application_name LIKE 'geowrite-%'`)
  assert.equal(kept.length, 2)
  await other.remove?.()
  await nothingIsLeft()
})

test('what cannot be removed does not keep the rest, and the next run tries it again', async () => {
  await using admin = await adminOf('one')
  await admin.prepare()
  await admin.replicate(NO_JOINING)
  await servers.ask('eu-west', 'ALTER PUBLICATION geowrite OWNER TO geowrite')
  await isToldBy(admin.remove?.(), /The publication geowrite of eu-west could not be removed .*: remove it there/)
  assert.deepEqual(await servers.things('eu-west'), ['geowrite', 'geowrite_made'])
  assert.deepEqual(await servers.things('us-east'), [])
  await servers.ask('eu-west', `ALTER PUBLICATION geowrite OWNER TO ${USER}`)
  await using next = await adminOf('two')
  await next.prepare()
  await next.remove?.()
  await nothingIsLeft()
})

test('a slot of another database is never removed', async () => {
  await servers.ask('eu-west', 'CREATE DATABASE other')
  const client = await clientOf('other')
  const slot = 'geowrite_to_0'
  try {
    await client.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    await using admin = await adminOf('one', true)
    await isToldBy(admin.prepare(), /eu-west has a replication slot geowrite_to_0 of its database other, which is not/)
    await admin.remove?.()
    assert.deepEqual(await servers.things('eu-west'), [slot])
    await client.query(`SELECT pg_drop_replication_slot('${slot}')`)
  } finally {
    await disconnect(client)
    await servers.ask('eu-west', 'DROP DATABASE other WITH (FORCE)')
  }
})

test('a slot that waits for somebody’s transaction is told in one sentence', async () => {
  const [client, somebody] = [await clientOf('postgres'), await clientOf('postgres')]
  const server = { client, dc: { name: 'eu-west', index: 1 } }
  try {
    await somebody.query('BEGIN')
    await somebody.query('SELECT pg_current_xact_id()')
    await isToldBy(makeSlotSoon(server, 'waits', false, 300), /eu-west did not make a replication slot within 0.3 s/)
    await somebody.query('ROLLBACK')
    await makeSlotSoon(server, 'waits', true)
    const { rows } = await client.query('SHOW statement_timeout')
    assert.deepEqual(rows, [{ statement_timeout: '0' }])
  } finally {
    await disconnect(client)
    await disconnect(somebody)
  }
  await nothingIsLeft()
})

test('a subscription that fails is kept out of the log where the user may say so', async () => {
  const nowhere = { sql: { host: '127.0.0.1', port: 1 } }
  const joining = { ...NO_JOINING, seenFrom: () => ({ 'us-east': nowhere, 'eu-west': nowhere }) }
  await servers.ask('us-east', `GRANT SET ON PARAMETER log_min_error_statement TO ${USER}`)
  for (const dc of DCS) {
    // As it is by default.
    await servers.ask(dc, `ALTER ROLE ${USER} SET log_min_error_statement = 'error'`)
    const admin = await adminOf('one', false, 'native')
    try {
      await admin.prepare()
      await isToldBy(admin.replicate(joining), /cannot subscribe to /)
      await delay(200)
    } finally {
      await admin.remove?.()
      await admin[Symbol.asyncDispose]()
      await servers.ask(dc, `ALTER ROLE ${USER} RESET log_min_error_statement`)
    }
    assert.match(servers.log(dc), /could not connect to the publisher/)
    assert.equal(/STATEMENT: +CREATE SUBSCRIPTION/.test(servers.log(dc)), dc === 'eu-west', dc)
  }
  await nothingIsLeft()
})
