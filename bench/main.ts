// The command line's entry, and the only file that knows every driver and workload by name.
import { drivers } from '../drivers/index.ts'
import { workloads } from '../workloads/index.ts'
import { main } from './cli/program.ts'

const LINGERS_MS = 2000

await main(process.argv.slice(2), { drivers, workloads })
// What a driver has left open must not keep the process.
setTimeout(() => process.exit(), LINGERS_MS).unref()
