// Why a command ended early: what the project itself says of it, or what the machine has no more of, as its calls tell it.
import { BenchError, messageOf } from './errors.ts'

const FOLDERS = 'choose other folders with --out and --data'

/** By the error numbers of POSIX (errno(3)). */
const LIMITS: Readonly<Record<string, { readonly what: string; readonly toDo: string }>> = {
  ENOSPC: { what: 'The disk is full', toDo: `free room, or ${FOLDERS}` },
  EDQUOT: { what: 'This user’s share of the disk is used up', toDo: `free room, or ${FOLDERS}` },
  EFBIG: { what: 'A file may not grow any more', toDo: `raise the limit (ulimit -f), or ${FOLDERS}` },
  EROFS: { what: 'A folder is on a disk that may only be read', toDo: FOLDERS },
  EMFILE: { what: 'This process may not open more files', toDo: 'raise the limit (ulimit -n 4096)' },
  ENFILE: { what: 'The machine cannot open more files', toDo: 'end what holds many, or raise fs.file-max' },
}

function machineLimit(error: Error): BenchError | undefined {
  const { code } = error as NodeJS.ErrnoException
  const limit = code === undefined ? undefined : LIMITS[code]
  if (limit !== undefined)
    return new BenchError('ROOM', `${limit.what} (${messageOf(error)}): ${limit.toDo}.`, { cause: error })
  return error.cause instanceof Error ? machineLimit(error.cause) : undefined
}

/**
 * Why a command ends early, where that is known: an error of the table, or a limit of the machine as a ROOM; undefined where
 * neither it nor what it was thrown over is one. What went wrong first counts, not what then went wrong while it was cleared up.
 */
export function endingOf(error: unknown): BenchError | undefined {
  if (error instanceof SuppressedError) return endingOf(error.suppressed) ?? endingOf(error.error)
  if (error instanceof BenchError) return error
  return error instanceof Error ? machineLimit(error) : undefined
}
