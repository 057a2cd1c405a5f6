// No store at all: every write is acknowledged at once, in process. What is then measured is the harness.
import type { Admin, Driver, Session } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import { OUTCOME, type WriteResult } from '../../bench/contract/outcome.ts'

const OK: Promise<WriteResult> = Promise.resolve({ outcome: OUTCOME.ok })

const unreadable = (what: string): BenchError =>
  new BenchError('BUG', `The noop driver was asked for ${what}, but it keeps no rows and says that it cannot be read.`)

const session: Session = {
  write: () => OK,
  read: () => Promise.reject(unreadable('row versions')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const admin: Admin = {
  describe: () => Promise.resolve({ version: 'none', durability: 'None: nothing is kept.', settings: {} }),
  prepare: () => Promise.resolve(),
  load: (source, progress) => {
    let rows = 0
    for (const batch of source()) progress((rows += batch.count))
    return Promise.resolve()
  },
  replicate: () => Promise.resolve(),
  backlog: () => Promise.resolve([]),
  digest: () => Promise.reject(unreadable('a digest')),
  rows: () => {
    throw unreadable('rows')
  },
  counters: () => Promise.resolve({ conflictsReported: null, own: {} }),
  flush: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

export const noop: Driver = {
  name: 'noop',
  summary: 'no store: acknowledges everything at once, to measure the harness itself',
  replications: [
    {
      name: 'none',
      meaning: 'nothing is stored and nothing replicated',
      capabilities: { conflicts: 'none', acknowledges: 'local', ordered: false, transactions: false, readable: false },
      waits: () => ({ roundTrips: 0, to: 'own' }),
    },
  ],
  modes: [
    { name: 'batch', meaning: 'many rows a call', batchRows: 500, inFlight: 8, writers: 1 },
    { name: 'single', meaning: 'one row a call', batchRows: 1, inFlight: 64, writers: 1 },
  ],
  settings: [],
  missing: () => Promise.resolve(undefined),
  services: () => [],
  external: { cannot: 'it has no servers' },
  open: () => Promise.resolve(session),
  admin: () => Promise.resolve(admin),
  bytesPerRow: () => 0,
}
