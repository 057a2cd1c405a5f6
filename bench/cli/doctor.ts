// `doctor`: what this machine can run, how to get the rest, and what killed runs have left.
import pc from 'picocolors'
import { BenchError, EXIT } from '../contract/errors.ts'
import type { Place } from '../contract/service.ts'
import { leftovers, removeLeftovers } from '../deploy/data-folder.ts'
import { fileSystemOf } from '../measure/ground.ts'
import { machine, Pressure } from '../measure/resources.ts'
import { containersFound, type ContainersFound } from './doctor-containers.ts'
import type { Registry } from '../registry.ts'
import { tmpdir } from 'node:os'

interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly text: string
}

async function findings(registry: Registry, folder: string, kind: Place['kind']): Promise<Finding[]> {
  const { platform, cores, memoryBytes, node, kernel } = machine()
  const found: Finding[] = [
    {
      name: 'machine',
      ok: cores >= 2,
      text: `${platform}, kernel ${kernel}, ${cores} cores, ${(memoryBytes / 1e9).toFixed(1)} GB, Node ${node}`,
    },
  ]
  const fileSystem = await fileSystemOf(folder)
  const isMemory = fileSystem === 'tmpfs' || fileSystem === 'ramfs'
  found.push({
    name: 'data folder',
    ok: !isMemory,
    text: `${folder} on ${fileSystem}${isMemory ? ': fsync means nothing there and writes are not counted; choose a disk with --data' : ''}`,
  })
  const counted = new Pressure().end().cpuSomeShare !== null
  found.push({
    name: 'CPU pressure',
    ok: counted,
    text: counted ? 'counted by this system' : 'not counted by this system: shown as n/a',
  })
  for (const { driver } of registry.drivers) {
    const missing = await driver.missing(
      Object.fromEntries(driver.settings.map((setting) => [setting.name, setting.default])),
      kind,
    )
    found.push({
      name: driver.name,
      ok: missing === undefined,
      text: missing ?? `ready (${driver.replications.map((r) => r.name).join(', ')})`,
    })
  }
  return found
}

interface DoctorOptions {
  readonly clean?: boolean
  readonly data?: string
  readonly deployment?: string
  readonly json?: boolean
}

/** Throws USAGE for a deployment that is not started here. */
function placeKind(deployment = 'local'): Place['kind'] {
  if (deployment === 'local') return 'process'
  if (deployment === 'docker') return 'container'
  throw new BenchError(
    'USAGE',
    `doctor looks at what this machine can run: --deployment ${deployment} is not local or docker.`,
  )
}

export async function doctorCommand(registry: Registry, options: DoctorOptions): Promise<number> {
  const base = options.data ?? tmpdir()
  const kind = placeKind(options.deployment)
  const found = await findings(registry, base, kind)
  const containers = await containersFound(options.clean === true)
  found.push({ name: 'containers', ok: containers.missing === undefined, text: containers.text })
  const removed = options.clean === true ? removeLeftovers(base) : []
  const left = leftovers(base)
  if (options.json === true) {
    const { leftovers: runs, removed: removedRuns } = containers
    const report = { findings: found, leftovers: left, removed, containers: { leftovers: runs, removed: removedRuns } }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  } else {
    for (const { name, ok, text } of found)
      process.stdout.write(`${ok ? pc.green('✓') : pc.yellow('!')} ${name}: ${text}\n`)
    tellLeftovers(left, removed, containers)
  }
  const needed = new Set(registry.drivers.map(({ driver }) => driver.name))
  if (kind === 'container') needed.add('containers')
  return found.some(({ ok, name }) => !ok && needed.has(name)) ? EXIT.unavailable : EXIT.done
}

function tellLeftovers(left: readonly string[], removed: readonly string[], containers: ContainersFound): void {
  const gone = [...removed, ...containers.removed.map((runId) => `the containers of run ${runId}`)]
  const there = [...left, ...containers.leftovers.map((runId) => `containers of run ${runId}`)]
  for (const what of gone) process.stdout.write(`${pc.green('✓')} removed ${what}\n`)
  for (const what of there)
    process.stdout.write(
      `${pc.yellow('!')} a killed run left ${what}: \`npm run bench -- doctor --clean\` removes it\n`,
    )
  if (there.length === 0 && gone.length === 0) process.stdout.write(`${pc.green('✓')} nothing left by killed runs\n`)
}
