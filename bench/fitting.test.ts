// What does not go together is refused in one sentence that names what does, before anything runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { parseScenario } from './cli/scenario-schema.ts'
import { BenchError } from './contract/errors.ts'
import { idleOptions, systemsOf, workloadOf } from './systems.ts'

const registry = { drivers, workloads }

function refusalOf(options: Readonly<Record<string, unknown>>, known = registry): string | undefined {
  try {
    systemsOf(parseScenario(options), known)
    return undefined
  } catch (error) {
    assert.ok(error instanceof BenchError && error.code === 'USAGE', String(error))
    assert.match(error.message, /^[^\n]+\.$/)
    return error.message
  }
}

test('deletes go with a workload that can delete, and with no other', () => {
  assert.equal(refusalOf({ workload: 'profiles', deletes: 0.2 }), undefined)
  for (const workload of ['messaging', 'counter', 'causal']) {
    const refusal = refusalOf({ driver: 'memory', workload, deletes: 0.2 }) ?? ''
    assert.match(refusal, new RegExp(`--deletes is not for the workload ${workload}, .*the workload profiles`))
    assert.equal(refusalOf({ driver: 'memory', workload, deletes: 0 }), undefined)
  }
})

test('increments, turns and exact causality go with systems that can, and the sentence names these', () => {
  for (const [options, flag] of [
    [{ causality: 'exact' }, 'vectors'],
    [{ workload: 'counter' }, 'increments'],
    [{ workload: 'causal' }, 'readable'],
  ] as const) {
    const able: string[] = []
    const unable: string[] = []
    for (const { driver } of drivers) {
      for (const { name, capabilities } of driver.replications) {
        const refusal = refusalOf({ driver: driver.name, replication: name, ...options })
        ;(capabilities[flag] === true ? able : unable).push(`${driver.name} ${name}`)
        assert.equal(refusal === undefined, capabilities[flag] === true, refusal)
      }
    }
    assert.ok(able.length > 0 && unable.length > 0)
    const [driver, replication] = unable[0].split(' ')
    assert.match(refusalOf({ driver, replication, ...options }) ?? '', new RegExp(`this can: ${able.join(', ')}\\.$`))
    // Where nobody can, the sentence says so.
    const alone = { workloads, drivers: drivers.filter((entry) => entry.driver.name === driver) }
    if (!able.some((name) => name.startsWith(`${driver} `))) {
      assert.match(refusalOf({ driver, ...options }, alone) ?? '', /this can: none of the systems here\.$/)
    }
  }
})

test('options that a workload of turns has no use for are said to change nothing', () => {
  const scenario = parseScenario({ driver: 'memory', workload: 'causal', overlap: 0.5, skew: 0.9 })
  const idle = idleOptions(scenario, systemsOf(scenario, registry), workloadOf(scenario, registry))
  assert.deepEqual(
    idle.map((sentence) => sentence.split(' ')[0]),
    ['--overlap', '--skew'],
  )
})
