// `--skew-clock` on a whole run: versions run ahead and behind by just what was asked, and run.json says so.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RUN_FILES, writesFile, type RunFacts } from './contract/run-folder.ts'
import { readBlocks } from './lib/column-file.ts'
import { WRITES } from './lib/ledger-format.ts'
import { withRun } from './run.fixture.ts'

const SKEW_MS = { 'us-east': 300, 'eu-west': -50 }

test('versions are taken from a clock that runs ahead or behind by what was asked', () =>
  withRun(
    {
      driver: 'memory',
      rows: 1000,
      // No DC writes what another wrote: nothing that it reads moves its clock.
      overlap: 0,
      duration: '1s',
      warmup: '0ms',
      'skew-clock': 'us-east=300ms,eu-west=-50ms',
    },
    1000,
    async ({ folder }) => {
      const facts = JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')) as RunFacts
      assert.deepEqual(facts.scenario.clockSkewMs, SKEW_MS)
      for (const [dc, skewMs] of Object.entries(SKEW_MS)) {
        let rows = 0
        for (const block of readBlocks(WRITES, join(folder, RUN_FILES.ledger, writesFile(dc, 0)))) {
          for (let i = 0; i < block.rows; i++) {
            if (block.version[i] === 0) continue
            rows++
            const sentUs = block.intendedUs[i] + block.sentAfterUs[i]
            const aheadMs = (block.version[i] - facts.epoch.wallMs * 1000 - sentUs) / 1000
            // Drawn just after the send is stamped, rounded down to 16 µs, and never twice the same.
            assert.ok(aheadMs > skewMs - 1 && aheadMs < skewMs + 20, `${dc}: ${aheadMs} ms ahead`)
          }
        }
        assert.ok(rows > 100, `${rows} rows of ${dc}`)
      }
    },
  ))
