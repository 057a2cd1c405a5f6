// PostgreSQL, one server a DC, with replication of our own making or the server's.
import type { Driver } from '../../bench/contract/driver.ts'
import type { Column } from '../../bench/contract/table.ts'
import { openAdmin } from './admin.ts'
import { MODES } from './modes.ts'
import { DATABASE, ROLE, SQL_PORT } from './names.ts'
import { keptPassword } from './pgpass.ts'
import { missingPrograms } from './programs.ts'
import { services } from './services.ts'
import { openSession } from './session.ts'
import { memoryBytes, SETTINGS } from './settings.ts'

/** Tuple header, line pointer, alignment, the harness's three columns, and the primary key's index entry. Measured at 1M to 20M rows. */
const ROW_BYTES = 28 + 7 + 3 * 8 + 24

/** Share of a page that loading fills, at the default fillfactor. */
const FILLED = 0.9
/** What the log holds of a row beside its values, whole pages after a checkpoint aside. Measured at 1M and 5M rows. */
const LOG_ROW_BYTES = 64
const INDEX_SORT_BYTES = 20
/** A new server's own files. */
const EMPTY_SERVER_BYTES = 50e6
/** A server with its sessions, beside its page cache. */
const SERVER_BYTES = 150e6

/** Mean bytes of a row's values with their lengths, and `beside` them. */
const valueBytes = (columns: readonly Column[], beside: number): number =>
  columns.reduce(
    (sum, column) => sum + (column.type === 'int' ? 4 : 1 + (column.minBytes + column.maxBytes) / 2),
    beside,
  )

export const postgres: Driver = {
  name: 'postgres',
  summary: 'PostgreSQL 18, one server a DC; writes are local, replication is chosen.',
  replications: [
    {
      name: 'cdc',
      meaning:
        'A pipeline for each direction reads the source’s log (pgoutput) and applies it in the receiver, last writer wins by version.',
      capabilities: {
        conflicts: 'last-write-wins',
        acknowledges: 'local',
        // Parallel appliers commit the parts of a source transaction each for itself.
        ordered: false,
        transactions: true,
        readable: true,
        vectors: true,
        increments: true,
      },
      waits: () => ({ roundTrips: 0, to: 'own' }),
    },
    {
      name: 'native',
      meaning:
        'The servers’ own logical subscriptions, both ways: what arrives is applied over whatever is there, so that concurrent writes of a row leave the DCs apart.',
      capabilities: {
        conflicts: 'diverges',
        acknowledges: 'local',
        // Each stream of a source keeps its order; several do not keep one another's.
        ordered: false,
        transactions: true,
        readable: true,
        increments: true,
      },
      waits: () => ({ roundTrips: 0, to: 'own' }),
    },
  ],
  modes: MODES,
  settings: SETTINGS,
  missing: async (settings, kind) => (kind === 'container' ? undefined : missingPrograms(settings.bin ?? '')),
  services,
  external: {
    ports: [SQL_PORT],
    // The others are lines of a server's configuration.
    settings: ['fillfactor', 'streams', 'appliers', 'apply_rows', 'apply_synchronous_commit'],
    user: ROLE,
    database: DATABASE,
    password: keptPassword,
  },
  open: (dc, seen, options, signal) => openSession(dc, seen[dc.name][SQL_PORT], options, signal),
  admin: openAdmin,
  bytesPerRow: (columns) => valueBytes(columns, ROW_BYTES) / FILLED,

  needs({ columns, rows, writtenRows, settings, vectorDcs }) {
    const updated = writtenRows - rows
    const vectorBytes = 8 * vectorDcs
    return {
      diskBytes:
        // The log of loading and of the run, up to where a checkpoint frees it; dead rows; the new index being sorted.
        EMPTY_SERVER_BYTES +
        Math.min(writtenRows * valueBytes(columns, LOG_ROW_BYTES + vectorBytes), memoryBytes(settings.max_wal_size)) +
        updated * (valueBytes(columns, ROW_BYTES + vectorBytes) / FILLED) +
        rows * (vectorBytes / FILLED + INDEX_SORT_BYTES),
      memoryBytes: memoryBytes(settings.shared_buffers) + SERVER_BYTES,
    }
  },
}
