// What can be said of a driver without starting anything: its declaration, its estimates, and the services that it asks for.
import { fileURLToPath } from 'node:url'
import type { DeployPlan, Driver } from '../contract/driver.ts'
import type { Place, Service } from '../contract/service.ts'
import { checkShape, driverShape } from '../outside/shape.ts'
import { messageOf } from '../contract/errors.ts'
import type { System } from '../systems.ts'
import { expect, Fault } from './check.ts'
import type { Step } from './set-up.ts'

export const DECLARATION: Step = {
  name: 'declaration',
  sentence: 'it declares what the contract asks for, under names of their own, and its estimates are numbers',
  limitMs: 5000,
}
export const SERVICES: Step = {
  name: 'services',
  sentence:
    'what runs where is the same for the same plan, under unique names and ports, and the secret is in no argument',
  limitMs: 5000,
}

function expectUnique(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  expect(twice === undefined, () => `It has two ${what} named ${twice}.`)
}

export function checkDeclaration(
  driver: Driver,
  { columns }: DeployPlan['table'],
  settings: DeployPlan['settings'],
): undefined {
  try {
    checkShape(driverShape, driver, `The driver ${driver.name}`, 'the type Driver of geowrite/contract')
  } catch (error) {
    throw new Fault(messageOf(error))
  }
  const wide = [...columns, { name: 'wide', type: 'text', minBytes: 1000, maxBytes: 1000 } as const]
  const [narrowBytes, wideBytes] = [driver.bytesPerRow(columns), driver.bytesPerRow(wide)]
  expect(
    Number.isFinite(narrowBytes) && narrowBytes >= 0 && wideBytes >= narrowBytes,
    () => `bytesPerRow() says ${narrowBytes}, and ${wideBytes} with 1000 bytes more in each row.`,
  )
  const needs = driver.needs?.({ columns, rows: 1000, writtenRows: 2000, settings, vectorDcs: 0 })
  expect(
    needs === undefined || (needs.diskBytes >= 0 && needs.memoryBytes >= 0),
    () => `needs() says ${needs?.diskBytes} bytes of disk and ${needs?.memoryBytes} of memory.`,
  )
  return undefined
}

/** A place that no service will have: good enough to be told what would run there. */
function imaginedPlace({ ports }: Service): Place {
  const address = { host: '127.0.0.1', port: 1 }
  return {
    kind: 'process',
    folder: '/nonexistent/geowrite',
    ports: Object.fromEntries(ports.map((port) => [port, address])),
    reach: () => address,
    source: (module) => fileURLToPath(module),
  }
}

export function checkServices({ entry: { driver } }: System, plan: DeployPlan): string {
  const services = driver.services(plan)
  const again = driver.services(plan)
  const told = (list: readonly Service[]) => JSON.stringify(list)
  expect(told(services) === told(again), () => 'services() said something else for the same plan the second time.')
  expectUnique(
    services.map(({ name }) => name),
    'services',
  )
  const dcs = plan.dcs.map(({ name }) => name)
  for (const dc of dcs) {
    expectUnique(
      services.filter((service) => service.dc === dc).flatMap(({ ports }) => ports),
      `ports of ${dc}`,
    )
  }
  for (const service of services) {
    const { name, reaches } = service
    expect(
      dcs.includes(service.dc),
      () => `The service ${name} is to run in ${service.dc}, which is no DC of the plan.`,
    )
    for (const { dc, port } of reaches) {
      expect(
        services.some((other) => other.dc === dc && other.ports.includes(port)),
        () => `The service ${name} reaches for the port ${port} of ${dc}, which no service has.`,
      )
      expect(dc !== service.dc, () => `The service ${name} reaches for its own DC through a link.`)
    }
    const place = imaginedPlace(service)
    for (const { program, args } of [...service.setup(place), service.command(place)]) {
      expect(
        ![program, ...args].some((part) => part.includes(plan.secret)),
        () =>
          `The service ${name} is started with the secret in its arguments, where everybody on the machine can read it.`,
      )
    }
  }
  return `${services.length} services in ${dcs.length} DCs`
}
