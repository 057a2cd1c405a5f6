// Apache Cassandra, one ring over all DCs: every row in each of them, merged cell by cell.
import type { Driver } from '../../bench/contract/driver.ts'
import type { Column } from '../../bench/contract/table.ts'
import { openAdmin } from './admin.ts'
import { agentProvision, missingForImage } from './image.ts'
import { cassandraProvision, missingPrograms } from './jars.ts'
import { MODES } from './modes.ts'
import { REPLICATIONS } from './replications.ts'
import { services } from './services.ts'
import { openSession } from './session.ts'
import { heapBytes, readSettings, SETTINGS } from './settings.ts'

/** Partition and row headers, the key, and the share of index, filter and statistics, as compressed (estimate.test.ts). */
const ROW_BYTES = 40
const CELL_BYTES = 1
/** Dot, version and timestamp, which are alike in loaded rows and each written row's own, at most: they compress a little. */
const WRITTEN_BYTES = 24
/** What a JVM takes beside its heap. */
const BESIDE_HEAP_BYTES = 500e6
/** A new server's own files, and its preallocated log. */
const EMPTY_SERVER_BYTES = 100e6
/** The commit log is kept up to its own limit. */
const COMMIT_LOG_BYTES = 8e9

const valueBytes = (columns: readonly Column[]): number =>
  columns.reduce(
    (sum, column) => sum + CELL_BYTES + (column.type === 'int' ? 4 : (column.minBytes + column.maxBytes) / 2),
    0,
  )

export const cassandra: Driver = {
  name: 'cassandra',
  summary: 'Apache Cassandra 5.0, one ring over all DCs; how many copies a write waits for is chosen.',
  replications: REPLICATIONS,
  modes: MODES,
  settings: SETTINGS,
  warmsUp: true,
  missing: async (settings, kind) => (kind === 'container' ? missingForImage() : missingPrograms(settings.java ?? '')),
  provisions: (settings, kind) => [
    kind === 'container' ? agentProvision() : cassandraProvision(readSettings(settings)),
  ],
  services,
  external: {
    cannot:
      'it loads every server before they become one cluster, and asks them over JMX, which clusters that are there already do not let it do',
  },
  open: openSession,
  admin: openAdmin,
  bytesPerRow: (columns) => ROW_BYTES + valueBytes(columns),

  needs({ columns, writtenRows, settings }) {
    const { heap, rf } = readSettings(settings)
    const written = writtenRows * (ROW_BYTES + WRITTEN_BYTES + valueBytes(columns))
    return {
      // Log and files of what is written, and once more while it is compacted.
      diskBytes: rf * (EMPTY_SERVER_BYTES + 2 * written + Math.min(COMMIT_LOG_BYTES, written)),
      memoryBytes: rf * (heapBytes(heap) + BESIDE_HEAP_BYTES),
    }
  },
}
