// What is told of the containers of a run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunFacts } from '../contract/run-folder.ts'
import { plant, scratchFolder } from './planted.fixture.ts'
import { analyseRun } from './run.ts'

async function notesOf(change: (facts: RunFacts) => RunFacts): Promise<readonly string[]> {
  using folder = scratchFolder()
  plant(folder.path, { writes: [{ dc: 0, key: 1, sentMs: 1, ackedMs: 2 }], measureMs: [0, 1000], facts: change })
  return (await analyseRun(folder.path)).notes.filter((note) => /container/.test(note))
}

test('a run in containers says which images ran and what the stores were limited to, others say nothing', async () => {
  const images = [{ name: 'postgres', reference: 'postgres:18', id: 'sha256:0123456789abcdef' }]
  const containers = { engine: '28.0', images, cpus: null, memoryBytes: null }
  assert.deepEqual(await notesOf((facts) => facts), [])
  assert.deepEqual(await notesOf((facts) => ({ ...facts, containers })), [
    'Services ran as containers of engine 28.0: postgres:18 (0123456789ab).',
  ])
  const [limited] = await notesOf((facts) => ({
    ...facts,
    containers: { ...containers, cpus: 1.5, memoryBytes: 4 * 1024 ** 3 },
  }))
  assert.match(limited, /at most 1\.5 CPUs and 4,096 MiB of memory\.$/)
})
