// What needs no deployment: declarations and services that break the contract, and the page that lists the checks.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { memory } from '../../drivers/memory/driver.ts'
import { drivers } from '../../drivers/index.ts'
import { workloads } from '../../workloads/index.ts'
import { parseScenario } from '../cli/scenario-schema.ts'
import type { Driver } from '../contract/driver.ts'
import type { Service } from '../contract/service.ts'
import { systemsOf } from '../systems.ts'
import { checkDeclaration, checkServices } from './declaration.ts'
import { Ground } from './ground.ts'
import { CHECK_NAMES } from './suite.ts'

const scenario = parseScenario({ driver: 'memory' })
const [system] = systemsOf(scenario, { drivers, workloads })
const plan = Ground.planOf({ scenario, system, causality: 'bounds' })

const declared = (change: Partial<Driver>) => () =>
  checkDeclaration({ ...memory, ...change }, plan.table, plan.settings)

function served(change: (service: Service, place: number) => Partial<Service>) {
  const services: Driver['services'] = (asked) =>
    memory.services(asked).map((service, i) => ({ ...service, ...change(service, i) }))
  return () => checkServices({ ...system, entry: { ...system.entry, driver: { ...memory, services } } }, plan)
}

test('a driver of the tree declares what it should', () => {
  for (const { driver } of drivers) {
    const settings = Object.fromEntries(driver.settings.map((setting) => [setting.name, setting.default]))
    assert.equal(checkDeclaration(driver, plan.table, settings), undefined)
  }
})

test('each wrong declaration is told in a sentence of its own', () => {
  const [mode] = memory.modes
  const [replication] = memory.replications
  const setting = { name: 'depth', meaning: 'How deep.', type: 'number', default: 'deep' } as const
  assert.throws(
    declared({ modes: [mode, { ...mode }] }),
    /wrong modes, a list: it must be a list in which no name comes twice, as “batch” does/,
  )
  assert.throws(
    declared({ replications: [replication, { ...replication }] }),
    /wrong replications, a list: .* no name comes twice/,
  )
  assert.throws(
    declared({ settings: [setting] }),
    /wrong settings\.0\.default, “deep”: it must be a text that is a value of its type/,
  )
  assert.throws(declared({ modes: [{ ...mode, batchRows: 0 }] }), /has a wrong modes\.0\.batchRows/)
  assert.throws(
    declared({ bytesPerRow: (columns) => 100 - columns.length }),
    /bytesPerRow\(\) says 96, and 95 with 1000 bytes more/,
  )
  assert.throws(declared({ needs: () => ({ diskBytes: -1, memoryBytes: 0 }) }), /needs\(\) says -1 bytes of disk/)
})

test('each wrong service is told in a sentence of its own', () => {
  assert.match(served(() => ({}))(), /2 services in 2 DCs/)
  assert.throws(
    served(() => ({ name: 'one' })),
    /two services named one/,
  )
  assert.throws(
    served(() => ({ dc: 'us-east' })),
    /two ports of us-east named node/,
  )
  assert.throws(
    served((_, i) => (i === 0 ? { reaches: [] } : { dc: 'mars' })),
    /is to run in mars, which is no DC of the plan/,
  )
  assert.throws(
    served(() => ({ reaches: [{ dc: 'eu-west', port: 'sql' }] })),
    /reaches for the port sql of eu-west, which no service has/,
  )
  assert.throws(
    served(({ dc }) => ({ reaches: [{ dc, port: 'node' }] })),
    /reaches for its own DC through a link/,
  )
  const leaking = { command: () => ({ program: 'node', args: [`--password=${plan.secret}`] }) }
  assert.throws(
    served(() => leaking),
    /started with the secret in its arguments/,
  )
  let calls = 0
  assert.throws(
    served(() => ({ readyTimeoutMs: 1000 + calls++ })),
    /something else for the same plan the second time/,
  )
})

test('docs/conformance.md names every check', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8')
  const [, section] = page.split('## The checks')
  const named = [...section.split('\n## ')[0].matchAll(/^\| `([a-z-]+)` /gm)].map(([, name]) => name)
  assert.deepEqual(named.toSorted(), [...CHECK_NAMES].toSorted())
})
