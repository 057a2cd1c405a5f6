// geowrite on Postgres against pgbench: as many clients, the same statement, prepared, on the same server.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../contract/table.ts'
import type { Comparison, ContestOrder, Sample, Side } from './comparison.ts'
import { BenchError } from '../contract/errors.ts'
import { HybridClock } from '../lib/dot.ts'
import { Deployed, missingFor, type SystemOptions } from './deployed.ts'
import { howToGet, libpqEnvironment, loginTo, tableOf } from './postgres-ground.ts'
import { upsertRow } from './postgres-statements.ts'
import { missingProgram, programAt, ProgramRunner } from './programs.ts'

/**
 * What a pgbench client sends again and again. Each has keys of its own, as geowrite's writers have. Numbers are drawn; texts are the
 * same in every row, of a column's mean length, since pgbench cannot draw any.
 */
function script({ columns, rows, ...table }: Table, clients: number, pipelined: number): string {
  const draw = (name: string, least: number, most: number) => `\\set ${name} random(${least}, ${most})`
  const ints = columns.flatMap((column) => (column.type === 'int' ? [draw(column.name, column.min, column.max)] : []))
  const statement = upsertRow({ ...table, columns, rows }, ({ name }) => `:${name}`)
  const row = [
    `\\set key random(0, ${Math.floor(rows / clients) - 1}) * ${clients} + :client_id`,
    draw('dot', 1, 2 ** 48),
    ...ints,
    `${statement};`,
  ]
  if (pipelined === 1) return [...row, ''].join('\n')
  return ['\\startpipeline', ...Array.from({ length: pipelined }, () => row).flat(), '\\endpipeline', ''].join('\n')
}

/** What the script does not draw. */
function variables({ columns }: Table, version: number): string[] {
  const texts = columns.flatMap((column) =>
    column.type === 'text' ? [`${column.name}=${'x'.repeat((column.minBytes + column.maxBytes) / 2)}`] : [],
  )
  return [`version=${version}`, ...texts].map((definition) => `--define=${definition}`)
}

/** pgbench counts from when its clients are connected. */
export function sampleOf(text: string, rowsPerTransaction: number): Omit<Sample, 'cpuSeconds'> {
  const numberAfter = (label: RegExp) => Number(label.exec(text)?.[1] ?? Number.NaN)
  const done = numberAfter(/^number of transactions actually processed: (\d+)/m)
  const perSecond = numberAfter(/^tps = ([\d.]+)/m)
  const failed = numberAfter(/^number of failed transactions: (\d+)/m)
  if (!(done > 0) || !(perSecond > 0) || failed > 0) {
    throw new BenchError(
      'STORE',
      `pgbench did not do its work: ${text.trim().split('\n').at(-1) ?? 'it said nothing'}.`,
    )
  }
  return { amount: done * rowsPerTransaction, seconds: done / perSecond }
}

function pgbenchSide(deployed: Deployed, order: ContestOrder, clients: number, pipelined: number): Side {
  const [login, table] = [loginTo(deployed), tableOf(deployed)]
  const runner = new ProgramRunner(order, deployed.signal)
  const file = join(order.folder, 'pgbench.sql')
  writeFileSync(file, script(table, clients, pipelined))
  const env = libpqEnvironment(login, order.folder)
  return {
    async turn(durationMs) {
      const seconds = Math.max(1, Math.round(durationMs / 1000))
      const how = ['--no-vacuum', '--protocol=prepared', `--client=${clients}`, '--jobs=1', `--time=${seconds}`]
      const args = [...how, `--file=${file}`, ...variables(table, new HybridClock(0, () => Date.now() * 1000).next())]
      const { text, cpuSeconds } = await runner.run('pgbench', {
        program: programAt('pgbench', howToGet('pgbench')),
        args,
        env,
      })
      return { ...sampleOf(text, pipelined), cpuSeconds }
    },
  }
}

/** The comparison with as many pgbench clients as geowrite has writers; `pipelined` statements a transaction and round trip. */
export function postgresPgbench(
  own: Pick<Comparison, 'name' | 'what' | 'peer' | 'target'>,
  options: SystemOptions,
  pipelined = 1,
): Comparison {
  return {
    ...own,
    unit: 'rows',
    missing: async (registry) =>
      missingProgram('pgbench', howToGet('pgbench')) ?? (await missingFor(options, registry)),
    async open(order, cleanup) {
      const deployed = await Deployed.open(options, order, cleanup)
      return {
        geowrite: deployed.side,
        peer: pgbenchSide(deployed, order, deployed.system.writers, pipelined),
        settle: () => deployed.settle(),
      }
    },
  }
}
