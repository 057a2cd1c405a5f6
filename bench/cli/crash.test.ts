// How seeds end that never began: nothing is known of them, so that they neither held nor lost anything.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../contract/errors.ts'
import { startMain } from '../main.fixture.ts'

test('a seed that finds no port is not judged, and the end says how to run it again', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'geowrite-test-'))
  try {
    const run = startMain([
      'crash',
      '--driver=memory',
      '--seeds=7,9',
      // One port cannot hold a run.
      '--ports=15999-15999',
      `--out=${join(parent, 'results')}`,
      `--data=${join(parent, 'data')}`,
    ])
    let said = ''
    run.stdout.on('data', (text: string) => (said += text))
    run.stderr.resume()
    const [code] = (await once(run, 'close')) as [number | null]
    assert.equal(code, EXIT.invalid, said)
    const lines = said.trim().split('\n')
    assert.equal(lines.length, 3, said)
    assert.match(lines[0], /^none seed 7: memory .*: not judged: No free port is left .*--ports/)
    assert.match(lines[1], /^none seed 9: /)
    assert.equal(lines[2], '0 of 2 seeds held, nothing lost; 2 were not judged: --seeds=7,9')
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})
