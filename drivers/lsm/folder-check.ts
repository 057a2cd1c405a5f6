// Looks through a LevelDB folder before it is opened. LevelDB 1.20 as classic-level opens it skips damaged records of its logs,
// reads damaged blocks as they are, and makes a new store where CURRENT is gone: acknowledged rows would be lost in silence.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { damaged } from './damage.ts'
import { walkLog } from './log-check.ts'
import { type LiveFiles, readManifest } from './manifest.ts'
import { checkTable } from './table-check.ts'

/** Bytes of a batch's sequence and count, before its changes (db/write_batch.cc). */
const BATCH_HEADER_BYTES = 12

/**
 * Throws FORMAT where the folder is not what LevelDB left when it was closed or killed, or lost its power. Returns what of it
 * will be dropped, in lines for the node's log. A folder that is not there is a new one.
 */
export function checkFolder(folder: string): readonly string[] {
  const names = existsSync(folder) ? readdirSync(folder) : []
  const current = join(folder, 'CURRENT')
  if (!names.includes('CURRENT')) {
    // Killed while it makes a new store, LevelDB leaves its first MANIFEST.
    const made = names.find((name) => /^\d+\.(log|ldb|sst)$/.test(name) || /^MANIFEST-(?!0*1$)/.test(name))
    if (made !== undefined) throw damaged(current, 0, `it is gone, and ${made} is there`)
    return []
  }
  const manifest = /^(MANIFEST-\d+)\n$/.exec(readFileSync(current, 'latin1'))?.[1]
  if (manifest === undefined) throw damaged(current, 0, 'it names no MANIFEST')
  if (!names.includes(manifest)) throw damaged(current, 0, `it names ${manifest}, which is not there`)
  const { live, end } = readManifest(join(folder, manifest))
  const dropped = end.cutBytes > 0 ? [droppedLine(manifest, end)] : []
  dropped.push(...checkLogs(folder, names, live))
  for (const [number, size] of live.tables) {
    const table = ['ldb', 'sst'].map((kind) => fileName(number, kind)).find((name) => names.includes(name))
    if (table === undefined) throw damaged(join(folder, fileName(number, 'ldb')), 0, 'it is gone')
    checkTable(join(folder, table), size)
  }
  return dropped
}

/** Logs hold batches whose sequences go on from one to the next: those that tables do not hold, and all later ones. */
function checkLogs(folder: string, names: readonly string[], live: LiveFiles): string[] {
  const { logNumber, previousLog, lastSequence } = live
  const logs = names
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= logNumber || number === previousLog)
    .sort((a, b) => a.number - b.number)
  if (logNumber > 0 && !logs.some(({ number }) => number === logNumber)) {
    throw damaged(join(folder, fileName(logNumber, 'log')), 0, 'it is gone')
  }
  const dropped: string[] = []
  let next: number | undefined
  let cut: string | undefined
  for (const { name } of logs) {
    const path = join(folder, name)
    const end = walkLog(path, (batch, begin) => {
      if (batch.length < BATCH_HEADER_BYTES) throw damaged(path, begin, 'a record is no batch')
      const sequence = Number(batch.readBigUInt64LE(0))
      if (next === undefined ? sequence > lastSequence + 1 : sequence !== next) {
        throw damaged(path, begin, `a batch is missing before the one of sequence ${sequence}`)
      }
      next = sequence + batch.readUInt32LE(8)
    })
    if (cut !== undefined && end.records > 0) throw damaged(path, 0, `it goes on after ${cut}, whose end is missing`)
    if (end.cutBytes === 0) continue
    cut = name
    dropped.push(droppedLine(name, end))
  }
  return dropped
}

const fileName = (number: number, kind: string): string => `${String(number).padStart(6, '0')}.${kind}`

function droppedLine(name: string, { end, cutBytes }: { readonly end: number; readonly cutBytes: number }): string {
  return `${name} ends in a record that was cut off: its ${cutBytes} bytes from byte ${end} on are dropped, as a commit that was not finished`
}
