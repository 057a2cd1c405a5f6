// The command line's entry, and the only file that knows every driver and workload by name.
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { main } from './cli/program.ts'

await main(process.argv.slice(2), { drivers, workloads })
