// Without an engine: one sentence from `doctor` and from the run, and the exit code of what is unavailable.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from './contract/errors.ts'
import { DOCKER_TEST } from './deploy/docker/container.fixture.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const SENTENCE = /No container engine answers at DOCKER_HOST=unix:\/\/\/nowhere\/docker\.sock: .*--deployment=local\./

function geowrite(...args: readonly string[]) {
  const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

test('no engine is one sentence from doctor and from the run, and exit 69', DOCKER_TEST, () => {
  const asked = geowrite('doctor', '--deployment=docker')
  assert.equal(asked.status, EXIT.unavailable)
  assert.match(asked.stdout, SENTENCE)
  const local = geowrite('doctor')
  assert.match(local.stdout, SENTENCE)
  const out = mkdtempSync(join(tmpdir(), 'geowrite-no-engine-'))
  const run = geowrite('--driver=memory', '--deployment=docker', '--rows=100', '--rate=100', '--quick', `--out=${out}`)
  rmSync(out, { recursive: true })
  assert.equal(run.status, EXIT.unavailable)
  assert.match(run.stderr, SENTENCE)
  assert.equal(run.stdout, '')
})
