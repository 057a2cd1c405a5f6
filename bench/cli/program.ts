// The commands of the command line: what each takes, and how their errors and exit codes come about.
import { Command, CommanderError, Option } from 'commander'
import pc from 'picocolors'
import { BenchError, ERROR_KINDS, EXIT, messageOf } from '../contract/errors.ts'
import { endingOf } from '../contract/machine-limits.ts'
import { EXPORT_FORMS, type ExportForm } from '../export/tables.ts'
import { suggestion } from '../lib/nearest.ts'
import type { Registry } from '../registry.ts'
import { addConformanceOptions, conformanceCommand } from './conformance.ts'
import { addCrashOptions, crashCommand } from './crash.ts'
import { doctorCommand } from './doctor.ts'
import { listText } from './list.ts'
import { addRunOptions, addStreamOptions, EXAMPLES, LIST_EXAMPLES, rawOptions } from './options.ts'
import { addPeersOptions, peersCommand } from './peers.ts'
import { reportCommand } from './report.ts'
import { runCommand, versionOfPackage } from './run.ts'

const COMMANDS = ['run', 'list', 'doctor', 'report', 'conformance', 'peers', 'crash', 'help']

const REPORT_EXAMPLES = `
Examples:
  npm run bench -- report results/2026-11-24T18-00-00Z-profiles
  npm run bench -- report results/2026-11-24T18-00-00Z-profiles --export-ledger=parquet
`

/** Standard output without an error when its reader has gone (`| head`). */
function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function programFor(registry: Registry): Command {
  const program = new Command('geowrite')
    .description('Measures what happens to a large table when several data centres write to it at once.')
    .usage('[command] [options]   as: npm run bench -- [command] [options]')
    .helpCommand('help [command]', 'show what a command takes')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  const run = addRunOptions(program.command('run', { isDefault: true }))
    .description('measure one or more systems under one workload (the default)')
    .allowExcessArguments()
    .action(async (values: Record<string, unknown>, { args: [unexpected] }: Command) => {
      if (unexpected !== undefined) {
        throw new BenchError('USAGE', `There is no command ${unexpected}: ${suggestion(unexpected, COMMANDS)}`)
      }
      process.exitCode = await runCommand(rawOptions(values), registry, {
        json: values['json'] === true,
        dryRun: values['dryRun'] === true,
      })
    })
  // Most people only ever run: its options belong on the first page.
  program.addHelpText('after', () => `\n${run.helpInformation().replace(/^[^]*?\n\n/, 'Options of run: ')}${EXAMPLES}`)
  addStreamOptions(program.command('list').argument('[name]', 'one driver or workload, also one from outside'))
    .option('--json', 'as JSON')
    .description('what exists; one driver with its settings, or one workload with its columns and key skew')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (name: string | undefined, values: Record<string, unknown>) => {
      print(await listText(registry, name, rawOptions(values), values['json'] === true))
    })
  program
    .command('doctor')
    .option('--clean', 'remove the data and the containers that killed runs have left')
    .option('--deployment <kind>', 'what the stores are to run as: local or docker (default: local)')
    .option('--data <folder>', 'the folder that the runs were given with --data')
    .option('--json', 'as JSON')
    .description('what this machine can run, and how to get the rest')
    .addHelpText('after', '\nExamples:\n  npm run bench -- doctor\n  npm run bench -- doctor --clean\n')
    .action(async (values: { clean?: boolean; data?: string; deployment?: string; json?: boolean }) => {
      process.exitCode = await doctorCommand(registry, values)
    })
  program
    .command('report')
    .argument('<folder>', 'a bench folder, such as results/2026-11-24T18-00-00Z-profiles')
    .addOption(
      new Option('--export-ledger <form>', 'also write the ledger of each run for other programs').choices(
        EXPORT_FORMS,
      ),
    )
    .option('--json', 'as JSON')
    .description('compute the figures of a bench folder again, from its raw files')
    .addHelpText('after', REPORT_EXAMPLES)
    .action(async (folder: string, values: { json?: boolean; exportLedger?: ExportForm }) => {
      process.exitCode = await reportCommand(folder, values.json === true, values.exportLedger)
    })
  addConformanceOptions(program.command('conformance'))
    .description('check that a driver keeps the contract and does what it declares')
    .action(async (values: Record<string, unknown>) => {
      process.exitCode = await conformanceCommand(rawOptions(values), registry, values['json'] === true)
    })
  addPeersOptions(program.command('peers'))
    .description('hold geowrite against other tools that do the same work on the same servers')
    .action(async (values: Record<string, unknown>) => {
      process.exitCode = await peersCommand(
        rawOptions(values) as Record<string, string>,
        registry,
        values['json'] === true,
      )
    })
  addCrashOptions(program.command('crash'))
    .description('kill services and links at random moments under load, and check that nothing is lost')
    .action(async (values: Record<string, unknown>) => {
      process.exitCode = await crashCommand(rawOptions(values), registry, versionOfPackage(), values['json'] === true)
    })
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined })
  return program
}

/** Every long option of a command, without dashes. */
function optionNames(program: Command): string[] {
  return program.commands.flatMap((command) => command.options.map((option) => option.long ?? option.flags))
}

/** One sentence for what commander found wrong. */
function usageSentence(error: CommanderError, program: Command): string {
  const unknown = /^error: unknown option '([^']+)'/.exec(error.message)
  if (unknown === null)
    return `${messageOf(error).replace(/^error: /, '')}; see --help.`.replace(/^./, (c) => c.toUpperCase())
  const [name] = unknown[1].split('=')
  return `There is no option ${name}: ${suggestion(name, [...new Set(optionNames(program))])}`
}

function tell(sentence: string): void {
  process.stderr.write(`${pc.red('geowrite:')} ${sentence}\n`)
}

/** Runs one command; sets the process's exit code and never throws. */
export async function main(args: readonly string[], registry: Registry): Promise<void> {
  process.stdout.on('error', () => process.exit(EXIT.done))
  const program = programFor(registry)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    const known = endingOf(error)
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
      if (error.exitCode !== 0) tell(usageSentence(error, program))
    } else if (known !== undefined) {
      process.exitCode = known.exit
      tell(known.message)
      if (process.env['GEOWRITE_DEBUG'] !== undefined) console.error(error)
    } else {
      process.exitCode = ERROR_KINDS.BUG.exit
      tell(
        `An error in geowrite itself: ${messageOf(error)} — please report it with this: ${error instanceof Error ? error.stack : ''}`,
      )
    }
  }
}
