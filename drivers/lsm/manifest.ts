// LevelDB's MANIFEST: a log of edits that say which table files and logs make up the store (LevelDB 1.20, db/version_edit.cc).
import { messageOf } from '../../bench/contract/errors.ts'
import { CodedBytes } from './coded-bytes.ts'
import { damaged } from './damage.ts'
import { type LogEnd, walkLog } from './log-check.ts'

const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9

/** What the store is made of. */
export interface LiveFiles {
  /** The oldest log whose rows are not all in tables; 0: none yet. Newer ones need not be known here. */
  readonly logNumber: number
  /** A yet older one; 0: there is none. */
  readonly previousLog: number
  /** Rows in tables have no sequence above this one. */
  readonly lastSequence: number
  /** Bytes of every table file, by its number. */
  readonly tables: ReadonlyMap<number, number>
}

/** Reads the MANIFEST; throws FORMAT where it is damaged. */
export function readManifest(path: string): { readonly live: LiveFiles; readonly end: LogEnd } {
  const live = { logNumber: 0, previousLog: 0, lastSequence: 0, tables: new Map<number, number>() }
  const end = walkLog(path, (edit, begin) => {
    try {
      takeEdit(new CodedBytes(edit), live)
    } catch (error) {
      throw damaged(path, begin, `a record is no edit (${messageOf(error)})`)
    }
  })
  if (end.records === 0) throw damaged(path, 0, 'it holds no whole record')
  return { live, end }
}

function takeEdit(edit: CodedBytes, live: { -readonly [K in keyof LiveFiles]: LiveFiles[K] }): void {
  const tables = live.tables as Map<number, number>
  while (!edit.ended) {
    const tag = edit.number()
    switch (tag) {
      case COMPARATOR:
        edit.string()
        break
      case LOG_NUMBER:
        live.logNumber = edit.number()
        break
      case NEXT_FILE:
        edit.number()
        break
      case LAST_SEQUENCE:
        live.lastSequence = edit.number()
        break
      case COMPACT_POINTER:
        edit.number()
        edit.string()
        break
      case DELETED_FILE:
        edit.number()
        tables.delete(edit.number())
        break
      case NEW_FILE: {
        edit.number()
        const number = edit.number()
        tables.set(number, edit.number())
        edit.string()
        edit.string()
        break
      }
      case PREVIOUS_LOG:
        live.previousLog = edit.number()
        break
      default:
        throw new RangeError(`it has the unknown tag ${tag}`)
    }
  }
}
