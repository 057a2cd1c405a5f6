// The suite on honest drivers, in the tree and from outside, which must pass, and on liars, which must fail in the right checks and
// no others. GEOWRITE_CONFORMANCE=all checks every driver whole, and every liar with every check.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { drivers } from '../../drivers/index.ts'
import { workloads } from '../../workloads/index.ts'
import { parseScenario } from '../cli/scenario-schema.ts'
import { withOutside } from '../outside.ts'
import type { Registry } from '../registry.ts'
import type { Finding } from './check.ts'
import { conform } from './conform.ts'
import { LIARS, type Liar } from './liars.fixture.ts'

const ROOT = join(import.meta.dirname, '../..')
const ALL = process.env['GEOWRITE_CONFORMANCE'] === 'all'
const SEED = 3
/** One replication in all its modes. */
const LONGEST_MS = 600_000
/** What a driver of the tree lacks on this machine. */
async function missingFor(name: string): Promise<string | undefined> {
  const driver = drivers.find((entry) => entry.driver.name === name)?.driver
  return driver?.missing(Object.fromEntries(driver.settings.map((setting) => [setting.name, setting.default])))
}

/** A check that waits for what never comes is not waited for much longer than one that ends. */
const LIAR_LIMIT_MS = 8000

interface Asked {
  readonly driver: string
  readonly replication?: string
  readonly mode?: string
  readonly only?: readonly string[]
  readonly limitMs?: number
}

async function findingsOf(
  registry: Registry,
  { driver, replication, mode, only = [], limitMs = LONGEST_MS }: Asked,
): Promise<readonly Finding[]> {
  const named = { ...(replication === undefined ? {} : { replication }), ...(mode === undefined ? {} : { mode }) }
  const options = { driver, seed: String(SEED), ...named }
  const outside = await withOutside(parseScenario(options), registry, { folder: ROOT })
  return conform(outside.scenario, outside.registry, {
    only,
    limitMs,
    signal: AbortSignal.timeout(LONGEST_MS),
    begins: () => undefined,
    found: () => undefined,
  })
}

const failed = (findings: readonly Finding[]) => findings.filter(({ result }) => result === 'fail')

function tell(findings: readonly Finding[], t: TestContext): void {
  t.diagnostic(`seed ${SEED}`)
  for (const { check, mode, detail } of failed(findings)) t.diagnostic(`${check} ${mode}: ${detail}`)
}

const HONEST: readonly Asked[] = ALL
  ? drivers.flatMap(({ driver: { name, replications } }) =>
      replications.map((replication) => ({ driver: name, replication: replication.name })),
    )
  : [{ driver: 'memory', mode: 'batch' }]

for (const asked of [...HONEST, { driver: './examples/pull-store.ts' }]) {
  const name = asked.replication === undefined ? asked.driver : `${asked.driver} ${asked.replication}`
  test(`${name} passes every check that applies to it`, { timeout: LONGEST_MS + 20_000 }, async (t) => {
    const missing = await missingFor(asked.driver)
    if (missing !== undefined) return t.skip(missing)
    const findings = await findingsOf({ drivers, workloads }, asked)
    tell(findings, t)
    assert.deepEqual(failed(findings), [])
    const passed = findings.filter(({ result }) => result === 'pass').length
    const readable = asked.driver !== 'noop'
    assert.ok(passed >= (readable ? 25 : 8), `only ${passed} checks passed`)
    assert.ok(
      findings.every(({ result, detail }) => result !== 'skip' || detail !== ''),
      'a skipped check says why',
    )
  })
}

/** In a short run: the cheap ones of each part. */
const SHORT = new Set([
  'cuts texts to 255 bytes',
  'declares an order that it does not keep',
  'makes digests without the content',
  'says fail of what may still happen',
  'starts its services with the secret in their arguments',
])

function registryOf({ driver }: Liar): Registry {
  return { drivers: [{ driver, module: pathToFileURL(import.meta.filename), exportName: 'liar' }], workloads }
}

for (const liar of LIARS.filter(({ lie }) => ALL || SHORT.has(lie))) {
  test(`a driver that ${liar.lie} is found out by the right checks`, { timeout: 120_000 }, async (t) => {
    const only = ALL ? [] : [...liar.fails, ...liar.passes]
    const findings = await findingsOf(registryOf(liar), { driver: 'liar', mode: 'batch', only, limitMs: LIAR_LIMIT_MS })
    tell(findings, t)
    const checks = [...new Set(failed(findings).map(({ check }) => check))]
    assert.deepEqual(checks.toSorted(), [...liar.fails].toSorted())
  })
}

test('a call that never answers is named', async () => {
  const liar = LIARS.find(({ lie }) => lie.startsWith('never answers')) as Liar
  const findings = await findingsOf(registryOf(liar), {
    driver: 'liar',
    mode: 'batch',
    only: ['backlog'],
    limitMs: 1500,
  })
  assert.match(failed(findings)[0].detail, /It hangs: after 1\.5 s backlog\(\) of the admin had not answered/)
})

test('a misspelt check is refused with the nearest one', async () => {
  await assert.rejects(
    findingsOf({ drivers, workloads }, { driver: 'memory', only: ['conflict'] }),
    /There is no check conflict: did you mean conflicts\?/,
  )
})
