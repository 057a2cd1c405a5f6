// `npm run micro`: the hot paths one by one. Cases lie beside what they measure, in files that end in `.micro.ts`.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { pathToFileURL } from 'node:url'
import Table from 'cli-table3'
import { measureCases, type MicroFigure } from './measure.ts'
import type { MicroCase, MicroCases } from './micro-case.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const USAGE = 64
const MILLISECONDS = 1000

function caseFiles(): string[] {
  return ['bench', 'drivers']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.micro.ts'))
        .map((name) => join(ROOT, folder, name)),
    )
    .sort()
}

function table(figures: readonly MicroFigure[]): string {
  const out = new Table({
    head: ['hot path', 'ns/row', 'rows/s', 'steps', 'quartiles', 'samples'],
    style: { head: [], border: [] },
  })
  for (const { name, nanosecondsPerRow, rowsPerSecond, steps, stepsLow, stepsHigh, samples } of figures) {
    const rate = Math.round(rowsPerSecond).toLocaleString('en-US')
    const spread = `${stepsLow.toFixed(2)} … ${stepsHigh.toFixed(2)}`
    out.push([name, nanosecondsPerRow.toFixed(1), rate, steps.toFixed(2), spread, samples])
  }
  return `${out.toString()}\nsteps: of the reference loop (bench/micro/measure.ts) in the time of one row; compare these across machines.\n`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, json: { type: 'boolean', default: false }, time: { type: 'string' } },
  })
  const milliseconds = values.time === undefined ? MILLISECONDS : Number(values.time)
  if (!(milliseconds >= 1 && milliseconds <= 60_000))
    return refuse('--time takes milliseconds for each case, from 1 to 60000.')
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-micro-'))
  try {
    const cases: MicroCase[] = []
    for (const file of caseFiles()) {
      const { microCases } = (await import(pathToFileURL(file).href)) as { microCases: MicroCases }
      cases.push(...(await microCases(folder)))
    }
    const wanted = values.only?.split(',') ?? cases.map(({ name }) => name)
    const unknown = wanted.find((name) => !cases.some((each) => each.name === name))
    if (unknown !== undefined) {
      return refuse(`There is no case ${unknown}: choose from ${cases.map(({ name }) => name).join(', ')}.`)
    }
    const figures = await measureCases(
      cases.filter(({ name }) => wanted.includes(name)),
      milliseconds,
    )
    for (const each of cases) each.close?.()
    process.stdout.write(values.json ? figures.map((each) => `${JSON.stringify(each)}\n`).join('') : table(figures))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function refuse(sentence: string): void {
  process.stderr.write(`geowrite: ${sentence}\n`)
  process.exitCode = USAGE
}

await main().catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)))
