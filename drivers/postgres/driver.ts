// PostgreSQL, one server a DC, with replication of our own making or the server's.
import type { Driver } from '../../bench/contract/driver.ts'
import { openAdmin } from './admin.ts'
import { MODES } from './modes.ts'
import { SQL_PORT } from './names.ts'
import { missingPrograms } from './programs.ts'
import { services } from './services.ts'
import { openSession } from './session.ts'
import { SETTINGS } from './settings.ts'

/** Tuple header, line pointer, the harness's three columns, and the primary key's index entry. */
const ROW_BYTES = 28 + 3 * 8 + 24

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
      },
    },
  ],
  modes: MODES,
  settings: SETTINGS,
  missing: async (settings) => missingPrograms(settings.bin ?? ''),
  services,
  open: (dc, seen, options, signal) => openSession(dc, seen[dc.name][SQL_PORT], options, signal),
  admin: openAdmin,
  bytesPerRow: (columns) =>
    columns.reduce(
      (sum, column) => sum + (column.type === 'int' ? 4 : 1 + (column.minBytes + column.maxBytes) / 2),
      ROW_BYTES,
    ) / 0.9,
}
