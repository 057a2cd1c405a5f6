// LevelDB, one node a DC: an LSM tree that keeps rows and the log of its own writes in one atomic batch, and ships that log.
import type { Admin, DeployPlan, Driver } from '../../bench/contract/driver.ts'
import { messageOf } from '../../bench/contract/errors.ts'
import { NodeAdmin } from '../replication/node/admin.ts'
import { needsRecords } from '../replication/node/found-rows.ts'
import { rowBytes } from '../replication/node/packed-rows.ts'
import { LOG_SHIPPING, NODE_PORT, nodeServices } from '../replication/node/services.ts'
import { openNodeSession } from '../replication/node/session.ts'
import { LSM_SETTINGS, lsmSettings } from './settings.ts'

const NODE_PROCESS = new URL('./node-process.ts', import.meta.url)

/** What LevelDB adds to a row: 8 bytes of sequence, lengths, and its share of index blocks. Measured at 1M and 5M rows. */
const BYTES_BESIDE_ROW = 10
/** A node without its caches and buffers; table files that it maps are the page cache’s, not its own. */
const NODE_BYTES = 110e6
/** Bytes of a remembered version, its free slots included. */
const RECENT_ROW_BYTES = 48

export const lsm: Driver = {
  name: 'lsm',
  summary: 'LevelDB, one node a DC, each shipping the log of its own writes to every other',
  replications: [{ name: 'log', ...LOG_SHIPPING }],
  modes: [
    {
      name: 'batch',
      meaning: 'many rows a request, one atomic LevelDB batch',
      batchRows: 500,
      inFlight: 8,
      writers: 1,
    },
    { name: 'single', meaning: 'one row a request, many requests under way', batchRows: 1, inFlight: 64, writers: 1 },
  ],
  settings: LSM_SETTINGS,

  async missing(settings, kind) {
    lsmSettings(settings)
    // The image has its own.
    if (kind === 'container') return undefined
    try {
      await import('classic-level')
      return undefined
    } catch (error) {
      return `the native part of classic-level does not load (${messageOf(error)}); run npm install on this machine, with a C++ compiler where no prebuilt one fits`
    }
  },

  services: (plan) => {
    lsmSettings(plan.settings)
    return nodeServices(plan, 'lsm', NODE_PROCESS)
  },

  external: { cannot: 'its nodes are programs of geowrite, whose only password is that of the run' },
  open: (dc, seen, options, signal) => openNodeSession(dc, seen[dc.name][NODE_PORT], options, signal),

  async admin(endpoints, plan, signal): Promise<Admin> {
    return new NodeAdmin(endpoints, plan, durabilityOf(plan), signal, true)
  },

  bytesPerRow: (columns) => rowBytes(columns) + BYTES_BESIDE_ROW,

  needs({ columns, rows, writtenRows, settings, vectorDcs }) {
    const { writeBufferBytes, blockCacheBytes, recentRows, recentRecordBytes } = lsmSettings(settings)
    const records = needsRecords({ vectorDcs, columns }) ? 2 * recentRecordBytes : 0
    return {
      // Compaction writes a level anew while a reader still holds the old one, and the log holds what is not shipped.
      diskBytes:
        (rows + 2 * (writtenRows - rows)) * (rowBytes(columns, vectorDcs) + BYTES_BESIDE_ROW) + rows * 8 * vectorDcs,
      memoryBytes: NODE_BYTES + 2 * writeBufferBytes + blockCacheBytes + 2 * recentRows * RECENT_ROW_BYTES + records,
    }
  },
}

function durabilityOf(plan: DeployPlan): string {
  return lsmSettings(plan.settings).sync
    ? 'A write is acknowledged when LevelDB has brought its log to the disk with fdatasync: it survives a power failure.'
    : 'A write is acknowledged when LevelDB has handed its log to the operating system: it survives kill -9 of the node, not a power failure.'
}
