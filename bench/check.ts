// `npm run check`: format, lint, types, then the house rules and unit tests; stops at the first that fails.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

/** Tests that start real engines, containers or whole runs are left to `npm test` and `npm run docker-tests`. */
const ENGINE_TEST = /\.(engine|docker)\.test\.ts$/

const unitTests = globSync('{bench,drivers,workloads}/**/*.test.ts').filter((path) => !ENGINE_TEST.test(path))
const STEPS: readonly (readonly [program: string, ...args: string[]])[] = [
  ['node_modules/.bin/oxfmt', '--check', 'bench', 'drivers', 'workloads', 'examples'],
  ['node_modules/.bin/oxlint', '--type-aware', '--deny-warnings'],
  ['node_modules/.bin/tsc', '-p', '.'],
  [process.execPath, '--test', '--test-concurrency=1', '--test-reporter=dot', ...unitTests],
]

for (const [program, ...args] of STEPS) {
  process.stderr.write(`check: ${[program, ...args].slice(0, 4).join(' ')}\n`)
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
