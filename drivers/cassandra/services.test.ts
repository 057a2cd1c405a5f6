import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import { parseScenario } from '../../bench/cli/scenario-schema.ts'
import { systemsOf } from '../../bench/systems.ts'
import { workloads } from '../../workloads/index.ts'
import { cassandra } from './driver.ts'
import { findJava } from './java.ts'
import { nodeFiles } from './node-config.ts'
import { nodesOf, seedOf } from './names.ts'
import { services } from './services.ts'
import { readSettings, SETTINGS } from './settings.ts'

const DEFAULTS = Object.fromEntries(SETTINGS.map((setting) => [setting.name, setting.default]))
const DCS = ['us-east', 'eu-west', 'ap-south'].map((name, index) => ({ name, index }))

const plan = (settings: Readonly<Record<string, string>> = {}, replication = 'local-quorum'): DeployPlan => ({
  dcs: DCS,
  replication,
  settings: { ...DEFAULTS, ...settings },
  table: { name: 'rows', rows: 0, columns: [] },
  seed: 1,
  causality: 'bounds',
  secret: 'a secret of this run',
})

test('every DC has as many servers as copies, each with names and identities of its own', () => {
  const found = services(plan({ rf: '3' }))
  assert.equal(found.length, 9)
  assert.equal(new Set(found.map(({ name }) => name)).size, 9)
  assert.equal(new Set(nodesOf(DCS, 3).map((node) => seedOf(node, 7000))).size, 9)
  for (const dc of DCS) {
    const ports = found.filter((service) => service.dc === dc.name).flatMap((service) => service.ports)
    assert.equal(new Set(ports).size, 9)
  }
})

test('a server begins as a cluster of its own, listens on loopback alone, and has the secret in one file', () => {
  const [node] = nodesOf(DCS, 1)
  const address = (port: number) => ({ host: '127.0.0.1', port })
  const ports = { cql: address(1), internode: address(2), agent: address(3) }
  const files = nodeFiles(node, [seedOf(node, 2)], { folder: '/data', ports }, readSettings(DEFAULTS), plan().secret)
  const config = files.find(({ path }) => path === 'cassandra.yaml')?.content ?? ''
  assert.deepEqual(/seeds: "([^"]*)"/.exec(config)?.[1].split(','), [seedOf(node, 2)])
  for (const [, host] of config.matchAll(/_address: (\S+)/g)) assert.match(host, /^(127\.|false$)/)
  assert.match(config, /^commitlog_sync: batch$/m)
  assert.deepEqual(
    files.filter(({ content }) => content.includes(plan().secret)).map(({ path }) => path),
    ['agent.properties'],
  )
})

test('settings that cannot be, alone or together, are refused in a sentence', () => {
  const refused = (settings: Readonly<Record<string, string>>, replication?: string) =>
    assert.throws(
      () => services(plan(settings, replication)),
      (error) => error instanceof BenchError && error.code === 'USAGE',
    )
  refused({ heap: '512M -XX:+Boom' })
  refused({ commitlog_sync: 'never' })
  refused({ rf: '0' })
  refused({ cells: 'row' }, 'serial')
})

test('a Java is taken by its release file: 17 where it is asked for, and another is named in the sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-java-'))
  try {
    const home = (version: string) => {
      const path = join(folder, version)
      mkdirSync(join(path, 'bin'), { recursive: true })
      writeFileSync(join(path, 'bin', 'java'), '')
      writeFileSync(join(path, 'release'), `JAVA_VERSION="${version}"\n`)
      return path
    }
    const sentence = (path: string) => {
      const found = findJava(path)
      return typeof found === 'string' ? found : found.version
    }
    assert.deepEqual(findJava(home('17.0.9')), { home: join(folder, '17.0.9'), version: '17.0.9' })
    assert.match(sentence(home('21.0.1')), /no Java 17 at .*21\.0\.1, but 21\.0\.1/)
    assert.match(sentence(join(folder, 'nothing')), /no Java 17/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the mode batch does not go with serial, and goes with the others', () => {
  const registry = {
    drivers: [{ driver: cassandra, module: new URL('./driver.ts', import.meta.url), exportName: 'cassandra' }],
    workloads,
  }
  const asked = (replication: string) =>
    systemsOf(parseScenario({ driver: 'cassandra', replication, mode: 'batch', quick: true }), registry)
  assert.throws(() => asked('serial'), /The mode batch does not go with cassandra serial: choose single/)
  assert.equal(asked('each-quorum')[0].mode.name, 'batch')
})
