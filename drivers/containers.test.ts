// What every driver's services are in containers: of an image, and with nothing of this machine in what they are told.
import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { readFileSync } from 'node:fs'
import { parseScenario } from '../bench/cli/scenario-schema.ts'
import type { Place, Service } from '../bench/contract/service.ts'
import { processService } from '../bench/lib/process-service.ts'
import { routesOf } from '../bench/wan/links.ts'
import { ServicePings } from '../bench/wan/ping-service.ts'
import { toxiproxyWan } from '../bench/wan/toxiproxy-wan.ts'
import { deployPlanOf, systemName, systemsOf, topologyOf, workloadOf } from '../bench/systems.ts'
import { workloads } from '../workloads/index.ts'
import { drivers } from './index.ts'

const REGISTRY = { drivers, workloads }
const ROOT = resolve(import.meta.dirname, '..')
const IMAGES = Object.keys(
  parse(readFileSync(new URL('../docker/images.yaml', import.meta.url), 'utf8')) as Record<string, unknown>,
)
const SECRET = '0123456789abcdef'
const scenario = (options: Readonly<Record<string, unknown>>) =>
  parseScenario({ deployment: 'docker', dcs: ['us-east', 'eu-west', 'ap-south'], ...options })

/** As a container's: its own address, others at the link's, sources where the image has them. */
function placeOf({ ports, container }: Service): Place {
  return {
    kind: 'container',
    folder: container?.folder ?? '',
    ports: Object.fromEntries(ports.map((port, i) => [port, { host: '10.200.1.7', port: 20_001 + i }])),
    reach: () => ({ host: '10.200.1.9', port: 20_101 }),
    source: (module) => module.pathname.replace(ROOT, '/geowrite'),
  }
}

/** Texts of this machine in what a service is told; files that are copied into it come from here, as they must. */
function ofThisMachine(service: Service): readonly string[] {
  const place = placeOf(service)
  const commands = [...service.setup(place), service.command(place)]
  const told = [
    ...service.files(place).map((file) => ('content' in file ? file.content : '')),
    ...commands.flatMap(({ program, args, env = {} }) => [program, ...args, ...Object.values(env)]),
  ].join('\n')
  return [ROOT, `${homedir()}/`, '127.0.0.1', 'localhost'].filter((text) => text !== '/' && told.includes(text))
}

const systems = drivers.flatMap(({ driver }) =>
  driver.replications.map(({ name }) => systemsOf(scenario({ driver: driver.name, replication: name }), REGISTRY)[0]),
)

for (const system of systems) {
  test(`${systemName(system)}: every service has an image, and is told nothing of this machine`, () => {
    const asked = scenario({ driver: system.entry.driver.name, replication: system.replication.name })
    const plan = deployPlanOf(system, asked, workloadOf(asked, REGISTRY), SECRET)
    for (const service of system.entry.driver.services(plan)) {
      assert.ok(service.container, `${service.name} has no image`)
      assert.ok(IMAGES.includes(service.container.image), service.container.image)
      assert.match(service.container.user, /^[1-9]\d*:[1-9]\d*$/)
      assert.deepEqual(ofThisMachine(service), [], service.name)
      const { args, env } = service.command(placeOf(service))
      assert.ok(!JSON.stringify([args, env]).includes(SECRET), `${service.name} has the secret in its arguments`)
    }
  })
}

test('links join both networks and pings come from every DC, as containers of our own image', async () => {
  const topology = topologyOf(scenario({}))
  const pings = new ServicePings(topology)
  const links = toxiproxyWan.linkServices(topology, [...routesOf(topology, []), ...pings.routes], 1)
  assert.deepEqual(
    links.map(({ dc, container }) => [dc, ...(container?.joins ?? [])]),
    [
      ['us-east', 'eu-west'],
      ['us-east', 'ap-south'],
      ['eu-west', 'ap-south'],
    ],
  )
  assert.deepEqual(
    pings.services.map(({ dc }) => dc),
    ['us-east', 'eu-west', 'ap-south'],
  )
  for (const service of [...links, ...pings.services]) {
    assert.equal(service.container?.image, 'geowrite')
    assert.deepEqual(ofThisMachine(service), [], service.name)
  }
})

test('a delay of part of a millisecond, which Toxiproxy would round, is refused in a sentence', () => {
  const links = (delay: string) => toxiproxyWan.linkServices(topologyOf(scenario({ delay })), [], 1)
  assert.equal(links('3ms').length, 3)
  assert.throws(() => links('2.5ms'), { code: 'USAGE', message: /^The delay of 2\.5 ms from us-east to eu-west .*\.$/ })
})

test('a script from elsewhere is in no image', () => {
  const own = { name: 'x', dc: 'us-east', role: 'store', ports: [], reaches: [], config: () => null } as const
  const script = new URL('./lsm/node-process.ts', import.meta.url)
  assert.equal(processService({ ...own, script }).container?.image, 'geowrite')
  assert.equal(processService({ ...own, script: new URL('file:///elsewhere/node-process.ts') }).container, undefined)
})
