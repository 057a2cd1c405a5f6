// Analyses the run folder that it is given in a process of its own, and says how long that took and how much memory at most.
import { analyseRun } from './run.ts'

const startMs = performance.now()
const { metrics } = await analyseRun(process.argv[2])
const seconds = (performance.now() - startMs) / 1000
const cpu = process.cpuUsage()
const share = metrics.find(({ metric, dc }) => metric === 'conflict_share' && dc === '')
process.stdout.write(
  JSON.stringify({
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    residentMiB: process.resourceUsage().maxRSS / 1024,
    conflictShare: share?.value ?? null,
  }),
)
