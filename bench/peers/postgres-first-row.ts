// From the command to the first measured row on Postgres, in times of what the servers themselves need: initdb, start, and a COPY of
// the same rows.
import type { Gauge } from './comparison.ts'
import { missingFor, type SystemOptions } from './deployed.ts'
import { OwnRuns } from './own-run.ts'
import { BareServers } from './postgres-bare-servers.ts'

const OPTIONS: SystemOptions = { workload: 'profiles', driver: 'postgres', replication: 'cdc', rows: '1000000' }
/** Without calibration and warm-up, which last as long as one likes. The first row of a closed loop is sent when its phase begins. */
const RUN: SystemOptions = { ...OPTIONS, rate: 'max', warmup: '0s', duration: '1s' }

export const postgresFirstRow: Gauge = {
  name: 'postgres-first-row',
  what: 'Postgres, 1,000,000 rows: from the command to the first measured row',
  unit: '× initdb, start and COPY of the same rows in two bare servers',
  target: { bound: 2, is: 'most' },
  missing: (registry) => missingFor(OPTIONS, registry),
  async open(order) {
    const servers = BareServers.of(OPTIONS, order)
    const runs = new OwnRuns(order)
    return async () => {
      const bareSeconds = await servers.seconds()
      const { epoch, phases, startedMs } = await runs.run(RUN)
      const measured = phases.find(({ name }) => name === 'measure')
      if (measured === undefined) throw new TypeError('a run without a measured phase')
      const seconds = (epoch.wallMs + measured.startUs / 1000 - startedMs) / 1000
      order.progress.note(
        `first row after ${seconds.toFixed(2)} s, bare servers ready after ${bareSeconds.toFixed(2)} s`,
      )
      return seconds / bareSeconds
    }
  },
}
