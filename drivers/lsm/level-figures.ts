// What LevelDB says of itself, as numbers: its table files, what compactions read and wrote, and its memory.
import type { ClassicLevel } from 'classic-level'

const MEBIBYTE = 1 << 20

/** Sums LevelDB's own table of levels; whole MB are all that it tells, seconds are of its background thread. */
export function levelFigures(level: ClassicLevel<Buffer, Buffer>): Readonly<Record<string, number>> {
  const figures = {
    table_files: 0,
    table_bytes: 0,
    compaction_seconds: 0,
    compaction_read_bytes: 0,
    compaction_written_bytes: 0,
    engine_memory_bytes: Number(level.getProperty('leveldb.approximate-memory-usage')),
  }
  for (const line of level.getProperty('leveldb.stats').split('\n')) {
    const row = /^\s*\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line)
    if (row === null) continue
    const [files, size, seconds, read, written] = row.slice(1).map(Number)
    figures.table_files += files
    figures.table_bytes += size * MEBIBYTE
    figures.compaction_seconds += seconds
    figures.compaction_read_bytes += read * MEBIBYTE
    figures.compaction_written_bytes += written * MEBIBYTE
  }
  return figures
}
