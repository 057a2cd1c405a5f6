// `doctor`: what this machine can run, how to get the rest, and what killed runs have left.
import pc from 'picocolors'
import { EXIT } from '../contract/errors.ts'
import { leftovers, removeLeftovers } from '../deploy/data-folder.ts'
import { fileSystemOf } from '../measure/ground.ts'
import { machine, Pressure } from '../measure/resources.ts'
import type { Registry } from '../registry.ts'
import { tmpdir } from 'node:os'

interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly text: string
}

async function findings(registry: Registry, folder: string): Promise<Finding[]> {
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
    )
    found.push({
      name: driver.name,
      ok: missing === undefined,
      text: missing ?? `ready (${driver.replications.map((r) => r.name).join(', ')})`,
    })
  }
  return found
}

export async function doctorCommand(
  registry: Registry,
  options: { clean?: boolean; data?: string; json?: boolean },
): Promise<number> {
  const base = options.data ?? tmpdir()
  const found = await findings(registry, base)
  const removed = options.clean === true ? removeLeftovers(base) : []
  const left = leftovers(base)
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ findings: found, leftovers: left, removed }, null, 2)}\n`)
  } else {
    for (const { name, ok, text } of found)
      process.stdout.write(`${ok ? pc.green('✓') : pc.yellow('!')} ${name}: ${text}\n`)
    for (const folder of removed) process.stdout.write(`${pc.green('✓')} removed ${folder}\n`)
    for (const folder of left)
      process.stdout.write(
        `${pc.yellow('!')} a killed run left ${folder}: \`npm run bench -- doctor --clean\` removes it\n`,
      )
    if (left.length === 0 && removed.length === 0)
      process.stdout.write(`${pc.green('✓')} nothing left by killed runs\n`)
  }
  return found.some(({ ok, name }) => !ok && registry.drivers.some(({ driver }) => driver.name === name))
    ? EXIT.unavailable
    : EXIT.done
}
