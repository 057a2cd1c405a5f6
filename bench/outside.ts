// Drivers and workloads that live outside this project: by a path, or by the name of a package that the working directory has.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BenchError } from './contract/errors.ts'
import type { Limits } from './contract/limits.ts'
import type { Scenario } from './contract/scenario.ts'
import { blamedDriver, blamedWorkload } from './outside/blame.ts'
import { inspectModule } from './outside/inspect.ts'
import { exportOf, type OutsideKind } from './outside/shape.ts'
import type { Registry } from './registry.ts'

/** A module that takes longer to import is not waited for. */
const IMPORT_LIMIT_MS = 10_000

/** Where names of outside modules are looked up, how long their import may take, and whatever they do later. */
interface OutsidePlace {
  readonly folder: string
  readonly importLimitMs?: number
  readonly limits?: Limits
}

function isPath(name: string): boolean {
  return /^\.{0,2}\//.test(name) || isAbsolute(name) || /\.[cm]?[jt]s$/.test(name)
}

/** The module of a package as one of `folder`'s own modules would import it; undefined when there is none. */
function packageModule(name: string, folder: string): string | undefined {
  const parentURL = pathToFileURL(join(folder, 'importer.js')).href
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier, specifier === name ? { ...context, parentURL } : context),
  })
  try {
    const url = import.meta.resolve(name)
    return url.startsWith('file:') ? url : undefined
  } catch {
    return undefined
  } finally {
    hooks.deregister()
  }
}

/** Undefined for what is neither a path nor an installed package: such a name is looked for in the tree. */
function moduleOf(asked: string, name: string, folder: string): string | undefined {
  if (!isPath(name)) return packageModule(name, folder)
  const path = resolve(folder, name)
  if (!existsSync(path)) {
    throw new BenchError(
      'USAGE',
      `There is no file ${path}, so that the ${asked} ${name} cannot be loaded: give the path of a file, a package or a name that \`list\` shows.`,
    )
  }
  return pathToFileURL(path).href
}

function refuseTwice(kind: OutsideKind, name: string, file: string, taken: readonly string[]): void {
  if (!taken.includes(name)) return
  throw new BenchError(
    'USAGE',
    `The ${kind} of ${file} is named ${name}, as another one is: give it a name of its own.`,
  )
}

/** The registry with the outside driver or workload that `name` stands for, and what it is called there; unchanged when it is none. */
async function withModule(
  asked: OutsideKind | 'driver or workload',
  name: string,
  registry: Registry,
  place: OutsidePlace,
): Promise<{ readonly registry: Registry; readonly name: string }> {
  const drivers = registry.drivers.map((entry) => entry.driver.name)
  const workloads = registry.workloads.map((entry) => entry.workload.name)
  if (asked !== 'workload' && drivers.includes(name)) return { registry, name }
  if (asked !== 'driver' && workloads.includes(name)) return { registry, name }
  const url = moduleOf(asked, name, place.folder)
  if (url === undefined) return { registry, name }
  const { kind, exportName } = await inspectModule({ asked, file: name, url }, place.importLimitMs ?? IMPORT_LIMIT_MS)
  const exports = (await import(url)) as Record<string, unknown>
  const { limits } = place
  const entry = { module: new URL(url), exportName, file: name, ...(limits === undefined ? {} : { limits }) }
  if (kind === 'driver') {
    const driver = blamedDriver(exportOf<'driver'>(exports, exportName), name, limits)
    refuseTwice(kind, driver.name, name, drivers)
    return { registry: { ...registry, drivers: [...registry.drivers, { ...entry, driver }] }, name: driver.name }
  }
  const workload = blamedWorkload(exportOf<'workload'>(exports, exportName), name, limits)
  refuseTwice(kind, workload.name, name, workloads)
  return { registry: { ...registry, workloads: [...registry.workloads, { ...entry, workload }] }, name: workload.name }
}

/** Loads what a scenario names from outside: the scenario then has names, and the registry what they stand for. */
export async function withOutside(
  scenario: Scenario,
  registry: Registry,
  place: OutsidePlace = { folder: process.cwd() },
): Promise<{ readonly scenario: Scenario; readonly registry: Registry }> {
  let found = await withModule('workload', scenario.workload, registry, place)
  const workload = found.name
  const drivers: string[] = []
  for (const name of scenario.drivers) {
    found = await withModule('driver', name, found.registry, place)
    drivers.push(found.name)
  }
  return { scenario: { ...scenario, workload, drivers }, registry: found.registry }
}

/** Loads one module as whichever it is, for a command that takes the name of either; its name in the registry. */
export async function withEither(
  name: string,
  registry: Registry,
  place: OutsidePlace = { folder: process.cwd() },
): Promise<{ readonly registry: Registry; readonly name: string }> {
  return withModule('driver or workload', name, registry, place)
}
