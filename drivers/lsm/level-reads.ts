// How an engine reads LevelDB: rows by key, whole tables as of one moment, and its log from a position on.
import type { ClassicLevel } from 'classic-level'
import type { BenchError } from '../../bench/contract/errors.ts'
import type { EngineSnapshot, LogEntry, RowPage } from '../replication/node/engine.ts'
import { PackedRows } from '../replication/node/packed-rows.ts'
import { untrusted } from './damage.ts'
import { LOG_END, NAME_BYTES, ROWS, numberIn, writeLogName, writeRowName } from './storage-keys.ts'

const PAGE_ROWS = 500
const READ_AHEAD_BYTES = 256 << 10

export type Level = ClassicLevel<Buffer, Buffer>

/** Passes on what a question to LevelDB is answered; where it fails, rejects with what that means. */
export type Ask = <T>(question: Promise<T>) => Promise<T>

export function rowNames(keys: ArrayLike<number>): Buffer[] {
  const all = Buffer.allocUnsafe(NAME_BYTES * keys.length)
  return Array.from({ length: keys.length }, (_, i) =>
    writeRowName(all.subarray(NAME_BYTES * i, NAME_BYTES * (i + 1)), keys[i]),
  )
}

export function snapshotOf(level: Level, ask: Ask): EngineSnapshot {
  const snapshot = level.snapshot()
  return {
    read: (keys) => ask(level.getMany(rowNames(keys), { snapshot, fillCache: false })),
    close: () => snapshot.close(),
    // LevelDB goes on behind a block that it cannot read, and tells of it at the end.
    async *pages(): AsyncGenerator<RowPage> {
      const rows = level.iterator({ ...ROWS, snapshot, fillCache: false, highWaterMarkBytes: READ_AHEAD_BYTES })
      try {
        for (let found = await ask(rows.nextv(PAGE_ROWS)); found.length > 0; found = await ask(rows.nextv(PAGE_ROWS))) {
          yield { keys: found.map(([name]) => numberIn(name)), records: found.map(([, record]) => record) }
        }
      } finally {
        await rows.close()
      }
    },
  }
}

/** As `Engine.entriesAfter`; rejects with FORMAT where an entry after the first is missing. */
export async function logAfter(level: Level, position: number, bytesMax: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  const gt = writeLogName(Buffer.alloc(NAME_BYTES), position)
  const log = level.iterator({ gt, lt: LOG_END, highWaterMarkBytes: bytesMax })
  try {
    let bytes = 0
    let last: number | undefined
    while (bytes < bytesMax) {
      const found = await log.nextv(PAGE_ROWS)
      if (found.length === 0) break
      for (const [name, payload] of found) {
        const entry = { position: numberIn(name), payload }
        // The rest of the range is not read, so LevelDB does not tell of a block that it could not read.
        if (last !== undefined && entry.position - PackedRows.trusted(payload).count !== last) {
          throw missingEntry(last, level.location)
        }
        last = entry.position
        entries.push(entry)
        bytes += payload.length
      }
    }
  } finally {
    await log.close()
  }
  return entries
}

function missingEntry(position: number, folder: string): BenchError {
  return untrusted(
    `The log of this node lacks the entry after row ${position} (in ${folder}), so that rows would never reach the other DCs`,
  )
}
