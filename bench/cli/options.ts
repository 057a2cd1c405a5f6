// The options of `run` as the command line shows them. Values go to the schema as they are.
import { Command, Option } from 'commander'

interface OptionText {
  readonly flags: string
  readonly text: string
}

const WHAT: readonly OptionText[] = [
  {
    flags: '--scenario <file>',
    text: 'a YAML or JSON file with these options, which go before it: see examples/scenarios',
  },
  { flags: '--workload <name>', text: 'what is written: see `list`, or a file or package (default: profiles)' },
  {
    flags: '--driver <names>',
    text: 'stores to measure, one after another; also files or packages (default: postgres,lsm)',
  },
  { flags: '--replication <names>', text: 'how their DCs are kept in sync (default: each store’s first)' },
  {
    flags: '--mode <names>',
    text: 'how rows are handed over: batch, single, pipeline, copy (default: each store’s first)',
  },
  { flags: '--rows <n>', text: 'rows loaded before the run, such as 20M (default: the workload’s)' },
  { flags: '--overlap <share>', text: 'share of keys that every DC writes, 0 to 1 (default: the workload’s)' },
  {
    flags: '--skew <exponent>',
    text: 'zipfian exponent of the keys’ activity; 0 is uniform (default: the workload’s)',
  },
  { flags: '--distribution <name>', text: 'zipfian, uniform, hotspot, latest or sequential (default: the workload’s)' },
  { flags: '--deletes <share>', text: 'share of the writes that delete their row, 0 to 1 (default: the workload’s)' },
  {
    flags: '--causality <kind>',
    text: 'bounds, or exact where rows can keep version vectors, which costs some throughput (default: bounds)',
  },
]

const LOAD: readonly OptionText[] = [
  {
    flags: '--rate <rate>',
    text: 'rows/s over all DCs; auto calibrates, auto-each per system, max is a closed loop (default: auto)',
  },
  { flags: '--arrivals <kind>', text: 'poisson or constant (default: poisson)' },
  { flags: '--duration <time>', text: 'measured time (default: 20s)' },
  {
    flags: '--warmup <time>',
    text: 'the same load before it, not measured; steady: until a row costs no less any more, at most 150s (default: 3s; steady for stores that say that they warm up)',
  },
  { flags: '--batch <rows>', text: 'rows a batch may hold (default: the mode’s, 500)' },
  { flags: '--linger <time>', text: 'how long a batch waits to fill up (default: 5ms)' },
  { flags: '--writers <n>', text: 'writers a DC, each with its own keys and session (default: the mode’s)' },
  { flags: '--workers <n>', text: 'generator threads a DC (default: 1)' },
  { flags: '--timeout <time>', text: 'when an unanswered write counts as unknown (default: 10s)' },
  { flags: '--probes <n>', text: 'writes a second to read back remotely, or all (default: 400)' },
  { flags: '--seed <n>', text: 'same seed, same operations (default: 1)' },
]

const PLACE: readonly OptionText[] = [
  { flags: '--dcs <names>', text: 'the data centres (default: us-east,eu-west)' },
  { flags: '--delay <time>', text: 'one-way delay between DCs (default: 40ms)' },
  { flags: '--jitter <time>', text: 'varies the delay by ± this (default: 0ms)' },
  {
    flags: '--bandwidth <rate>',
    text: 'bytes that each link carries, such as 50MB/s or 400Mbit/s (default: unlimited)',
  },
  {
    flags: '--deployment <kind>',
    text: 'where the stores run: local, docker, or external: servers of yours (docs/deployments.md) (default: local)',
  },
  { flags: '--container-cpus <n>', text: 'CPUs that each store may use, such as 1.5 (default: all)' },
  { flags: '--container-memory <size>', text: 'memory that each store may use, such as 4GiB (default: all)' },
  {
    flags: '--endpoints <file>',
    text: 'YAML or JSON file that says where your servers are, under --deployment=external; the environment goes before it',
  },
  {
    flags: '--replace-existing',
    text: 'on your servers, remove what is in the way though no run made it: its data are lost',
  },
  { flags: '--keep-tables', text: 'on your servers, leave the tables of the run; everything else is removed' },
  {
    flags: '--data <folder>',
    text: 'where the stores keep their data (default: the system’s folder for temporary files)',
  },
  { flags: '--ports <range>', text: 'loopback ports to choose from (default: 15000-32000)' },
]

const RESULT: readonly OptionText[] = [
  { flags: '--repeat <n>', text: 'runs of each system, interleaved; the table shows medians (default: 1)' },
  { flags: '--quick', text: 'short and not for publishing: every output is marked quick' },
  { flags: '--drain-timeout <time>', text: 'how long to wait for the DCs to become equal (default: 60s)' },
  { flags: '--ledger-limit <size>', text: 'a larger ledger is dropped after the analysis (default: 4GiB)' },
  {
    flags: '--export-ledger <form>',
    text: 'also write every row write and the final rows as parquet or csv, for DuckDB or Python (docs/ledger.md)',
  },
  { flags: '--out <folder>', text: 'where the bench folder goes (default: results)' },
]

/** How people call it, for the help. */
export const EXAMPLES = `
Examples:
  npm run bench -- --workload=profiles
  npm run bench -- --driver=postgres,lsm --rate=5000 --delay=150ms
  npm run bench -- --driver=lsm --overlap=0.5 --skew=0.99 --rows=1000 --rate=2000
  npm run bench -- --driver=postgres,lsm --fault='partition us-east|eu-west at=5s for=5s'
  npm run bench -- --dcs=us-east,eu-west,ap-south --link='us-east<>ap-south: 90ms' --link='eu-west<>ap-south: 120ms'
  npm run bench -- --scenario=examples/scenarios/three-regions.yaml --rate=5000
  npm run bench -- --rows=20M --rate=5000 --dry-run
  npm run bench -- --driver=postgres --set postgres.synchronous_commit=off --rate=max
`

/** Gathers the values of an option that may be repeated. */
const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]

/** `--set`, as every command has it that deploys drivers. */
export const settingOption = (): Option =>
  new Option('--set <driver.name=value>', 'a setting of a driver, may be repeated').argParser(collect)

/** Adds the options of a run to a command, in groups. */
export function addRunOptions(command: Command): Command {
  const groups: readonly [string, readonly OptionText[]][] = [
    ['What is measured:', WHAT],
    ['Load:', LOAD],
    ['Place:', PLACE],
    ['Result:', RESULT],
  ]
  for (const [heading, options] of groups) {
    for (const { flags, text } of options) command.addOption(new Option(flags, text).helpGroup(heading))
  }
  return command
    .addOption(
      new Option('--set <driver.name=value>', 'a setting of one store, may be repeated; `list <driver>` shows them all')
        .argParser(collect)
        .helpGroup('What is measured:'),
    )
    .addOption(
      new Option(
        '--image <name=reference>',
        'an image to use instead of one of docker/images.yaml, may be repeated: postgres=postgres:18.1',
      )
        .argParser(collect)
        .helpGroup('Place:'),
    )
    .addOption(
      new Option(
        '--link <link>',
        "one link that differs, may be repeated: 'us-east>ap-south: 90ms, 2ms jitter, 50MB/s'; <> for both directions",
      )
        .argParser(collect)
        .helpGroup('Place:'),
    )
    .addOption(
      new Option(
        '--skew-clock <dc=time>',
        'how far the clock that a DC’s versions are taken from runs ahead, or behind, such as us-east=200ms,eu-west=-50ms',
      )
        .argParser(collect)
        .helpGroup('Place:'),
    )
    .addOption(
      new Option(
        '--fault <fault>',
        "what is broken meanwhile, may be repeated: 'partition us-east|eu-west at=5s for=5s', 'kill eu-west at=5s for=2s' (docs/faults.md)",
      )
        .argParser(collect)
        .helpGroup('Load:'),
    )
    .addOption(
      new Option(
        '--dry-run',
        'say what would run, how long, and how much disk and memory it takes, and start nothing',
      ).helpGroup('Result:'),
    )
    .addOption(new Option('--json', 'print the results as JSON on standard output').helpGroup('Result:'))
    .addHelpText('after', EXAMPLES)
}

const STREAM = /^--(rows|overlap|skew|distribution|deletes|seed|dcs) /

/** How people call `list`. */
export const LIST_EXAMPLES = `
Examples:
  npm run bench -- list
  npm run bench -- list postgres
  npm run bench -- list messaging
  npm run bench -- list profiles --rows=20M --skew=1.2 --dcs=us-east,eu-west,ap-south
  npm run bench -- list ./examples/sensors.ts
`

/** Adds the options that decide which stream a workload gives. */
export function addStreamOptions(command: Command): Command {
  for (const { flags, text } of [...WHAT, ...LOAD, ...PLACE]) {
    if (STREAM.test(flags)) command.addOption(new Option(flags, text).helpGroup('For a workload:'))
  }
  return command
}

/** Commander names options in camelCase; the schema has them as they are typed. */
export function rawOptions(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { json: _json, dryRun: _dryRun, ...rest } = values
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  )
}
