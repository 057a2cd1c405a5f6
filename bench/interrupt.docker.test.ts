// Ctrl-C at each phase of a run in containers: it ends soon, says so, and leaves nothing at the engine.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DOCKER_TEST, labelsOfAll } from './deploy/docker/container.fixture.ts'
import { RUN_LABEL } from './deploy/docker/labels.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
/** Half of it is what a run may take on a machine that does nothing else. */
const LIMIT_MS = 10_000
const out = mkdtempSync(join(tmpdir(), 'geowrite-interrupt-'))
after(() => rmSync(out, { recursive: true, force: true }))

/** What the process has at the engine. */
async function leftBy(pid: number): Promise<number> {
  const owners = (await labelsOfAll(RUN_LABEL)).map((labels) => labels['geowrite.owner'] ?? '{}')
  return owners.filter((owner) => (JSON.parse(owner) as { readonly pid?: number }).pid === pid).length
}

/** `afterMs`: of the phase, when Ctrl-C is pressed. */
const PHASES: readonly { readonly phase: RegExp; readonly afterMs: number }[] = [
  { phase: /starting us-east/, afterMs: 0 },
  { phase: /starting us-east/, afterMs: 1500 },
  { phase: /loading/, afterMs: 0 },
  { phase: /warming up/, afterMs: 300 },
  { phase: /measuring/, afterMs: 300 },
  { phase: /writers stopped/, afterMs: 0 },
]

for (const { phase, afterMs } of PHASES) {
  test(`Ctrl-C ${afterMs} ms after "${phase.source}" ends the run and leaves nothing`, DOCKER_TEST, async (t) => {
    const options = ['--driver=memory', '--deployment=docker', '--rows=2000', '--rate=200', '--quick', `--out=${out}`]
    const run = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
    const exited = once(run, 'exit')
    const said: string[] = []
    let pressedMs = 0
    createInterface(run.stderr).on('line', (line) => {
      said.push(line)
      if (pressedMs > 0 || !phase.test(line)) return
      pressedMs = performance.now() + afterMs
      setTimeout(() => run.kill('SIGINT'), afterMs)
    })
    const [code] = (await exited) as [number | null]
    const tookMs = performance.now() - pressedMs
    t.diagnostic(`ended after ${(tookMs / 1000).toFixed(1)} s`)
    assert.equal(code, 130, said.join('\n'))
    assert.ok(tookMs < LIMIT_MS, `it took ${tookMs} ms`)
    assert.equal(await leftBy(run.pid ?? 0), 0)
  })
}
