// What classic-level's errors mean for a node: a sentence with a code, where LevelDB can no longer be trusted or used.
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import { endingOf } from '../../bench/contract/machine-limits.ts'
import { untrusted } from './damage.ts'

/** What the C library says of limits that have a sentence of their own, at the end of LevelDB's messages (strerror(3)). */
const LIMITS: readonly (readonly [text: RegExp, code: string])[] = [
  [/No space left on device$/, 'ENOSPC'],
  [/(Disk|Disc) quota exceeded$/, 'EDQUOT'],
  [/File too large$/, 'EFBIG'],
  [/Read-only file system$/, 'EROFS'],
  [/Too many open files$/, 'EMFILE'],
  [/Too many open files in system$/, 'ENFILE'],
]

/**
 * The end that an error of LevelDB’s, or of the system’s while its files are read, puts to a node with that folder: FORMAT
 * where data is damaged, ROOM where the machine has no more, else DATA_FOLDER. Undefined where it is of another kind, as that
 * of a question after the store was closed.
 */
export function levelFailure(error: unknown, folder: string): BenchError | undefined {
  if (!(error instanceof Error)) return undefined
  const known = endingOf(error)
  if (known !== undefined) return known
  const { code, syscall } = error as NodeJS.ErrnoException
  const text = messageOf(error)
  if (code === 'LEVEL_CORRUPTION') {
    return untrusted(`LevelDB finds its data in ${folder} damaged (${text}), so that acknowledged rows may be lost`, {
      cause: error,
    })
  }
  if (code === 'LEVEL_LOCKED') {
    return new BenchError(
      'DATA_FOLDER',
      `LevelDB’s folder ${folder} is held by another process (${text}): end that one, or give each node a folder of its own.`,
      { cause: error },
    )
  }
  if (code === 'LEVEL_IO_ERROR' || syscall !== undefined) {
    const limit = LIMITS.find(([wanted]) => wanted.test(text))?.[1]
    if (limit !== undefined) return endingOf(Object.assign(new Error(text, { cause: error }), { code: limit }))
    return new BenchError(
      'DATA_FOLDER',
      `LevelDB’s folder ${folder} cannot be read or written (${text}): see to its disk and its rights, or choose another folder with --data.`,
      { cause: error },
    )
  }
  return error.cause === undefined ? undefined : levelFailure(error.cause, folder)
}
