// Which suites a command line asks for, and what they found all together.
import { BenchError } from '../contract/errors.ts'
import type { WriteMode } from '../contract/driver.ts'
import type { Scenario } from '../contract/scenario.ts'
import { suggestion } from '../lib/nearest.ts'
import type { Registry } from '../registry.ts'
import { systemsOf, type System } from '../systems.ts'
import type { Finding } from './check.ts'
import { CHECK_NAMES, Suite, type SuiteOrder } from './suite.ts'

/** Every replication of the drivers named, or those asked for, each with every mode that goes with it, or those asked for. */
function wholeSystems(scenario: Scenario, registry: Registry): { system: System; modes: readonly WriteMode[] }[] {
  const drivers = registry.drivers.filter(({ driver }) => scenario.drivers.includes(driver.name))
  const all = drivers.flatMap(({ driver }) => driver.replications.map(({ name }) => name))
  const replications = scenario.replications.length > 0 ? scenario.replications : all
  const known = drivers.flatMap(({ driver }) => driver.modes.map(({ name }) => name))
  const misspelt = scenario.modes.find((name) => !known.includes(name))
  if (misspelt !== undefined) {
    throw new BenchError('USAGE', `There is no mode ${misspelt}: ${suggestion(misspelt, [...new Set(known)])}`)
  }
  return systemsOf({ ...scenario, replications, modes: [] }, registry).map((system) => {
    const { driver } = system.entry
    const { name: replication } = system.replication
    const fitting = driver.modes.filter(({ notFor }) => notFor?.includes(replication) !== true)
    const modes = fitting.filter(({ name }) => scenario.modes.length === 0 || scenario.modes.includes(name))
    if (modes.length === 0) {
      const can = fitting.map(({ name }) => name).join(', ')
      throw new BenchError(
        'USAGE',
        `${driver.name} has no mode ${scenario.modes.join(' or ')} for ${replication}: it can ${can}.`,
      )
    }
    return { system, modes }
  })
}

/** Runs the suite on every system that the scenario names. Throws USAGE, or COMPONENT where the machine lacks something. */
export async function conform(
  scenario: Scenario,
  registry: Registry,
  how: Pick<SuiteOrder, 'only' | 'limitMs' | 'signal'> & {
    readonly begins: (system: System, check: string) => void
    readonly found: (finding: Finding) => void
  },
): Promise<readonly Finding[]> {
  const misspelt = how.only.find((name) => !CHECK_NAMES.includes(name))
  if (misspelt !== undefined) {
    throw new BenchError('USAGE', `There is no check ${misspelt}: ${suggestion(misspelt, CHECK_NAMES)}`)
  }
  const systems = wholeSystems(scenario, registry)
  for (const { system } of systems) {
    const missing = await system.entry.driver.missing(system.settings)
    if (missing !== undefined) throw new BenchError('COMPONENT', missing)
  }
  const findings: Finding[] = []
  for (const { system, modes } of systems) {
    const found = (finding: Finding) => {
      findings.push(finding)
      how.found(finding)
    }
    const begins = (check: string) => how.begins(system, check)
    await new Suite({
      scenario,
      system,
      modes,
      only: how.only,
      limitMs: how.limitMs,
      signal: how.signal,
      begins,
      found,
    }).run()
  }
  return findings
}
