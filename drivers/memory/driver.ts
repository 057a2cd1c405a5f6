// The reference store: nodes that keep their rows in memory and ship their log, as lsm's do, and that can be told to fail in
// ways that are counted, so that the harness can be checked against a store whose faults are known.
import type { Admin, Driver } from '../../bench/contract/driver.ts'
import { NodeAdmin } from '../replication/node/admin.ts'
import { rowBytes } from '../replication/node/packed-rows.ts'
import { LOG_SHIPPING, NODE_PORT, nodeServices } from '../replication/node/services.ts'
import { openNodeSession } from '../replication/node/session.ts'
import { MEMORY_SETTINGS, memorySettings } from './settings.ts'

/** What the file of a durable node adds to a row. */
const CHANGE_BYTES = 29

const NODE_PROCESS = new URL('./node-process.ts', import.meta.url)

export const memory: Driver = {
  name: 'memory',
  summary: 'the reference store: one node a DC, rows in memory, with faults that can be planted',
  replications: [{ name: 'lww', ...LOG_SHIPPING }],
  modes: [
    { name: 'batch', meaning: 'many rows a request, stored in one step', batchRows: 500, inFlight: 8, writers: 1 },
    { name: 'single', meaning: 'one row a request, many requests under way', batchRows: 1, inFlight: 64, writers: 1 },
  ],
  settings: MEMORY_SETTINGS,

  async missing(settings) {
    memorySettings(settings)
    return undefined
  },

  services: (plan) => {
    memorySettings(plan.settings)
    return nodeServices(plan, 'memory', NODE_PROCESS)
  },

  external: { cannot: 'its nodes keep a table in the memory of a process that geowrite starts' },
  open: (dc, seen, options, signal) => openNodeSession(dc, seen[dc.name][NODE_PORT], options, signal),

  async admin(endpoints, plan, signal): Promise<Admin> {
    const { durable } = memorySettings(plan.settings)
    return new NodeAdmin(endpoints, plan, durability(durable), signal, durable ? true : undefined)
  },

  bytesPerRow: () => 0,
  // Measured at 1M rows: the row, the record that holds it and its place in the map.
  needs: ({ columns, rows, writtenRows, settings, vectorDcs }) => ({
    // Every row once as a row and, unless it was loaded, in one DC once more in the log; nothing is ever removed.
    diskBytes: memorySettings(settings).durable
      ? (2 * writtenRows - rows) * (rowBytes(columns, vectorDcs) + CHANGE_BYTES)
      : 0,
    memoryBytes: 80e6 + rows * (rowBytes(columns, vectorDcs) + 340),
  }),
}

function durability(durable: boolean): string {
  return durable
    ? 'A write is acknowledged when its file has been handed to the operating system: it survives kill -9 of the node, not a power failure.'
    : 'None: a write is acknowledged when it is in the memory of the node, and is gone when the node ends.'
}
