// Whose fault it is that a thread comes back from no call, or has ended: what from outside it may have been in, by what it was asked.
import { secondsText, tooLate } from '../bounds/whose.ts'
import { BenchError } from '../contract/errors.ts'

/** What a thread is doing while the main one waits for this of it. */
type Doing = 'ready' | 'phase' | 'counts' | 'closed'

const METHODS: Readonly<Record<'driver' | 'workload', Readonly<Record<Doing, string>>>> = {
  driver: {
    ready: 'open()',
    phase: 'session’s write() or read()',
    counts: 'session’s write() or read()',
    closed: 'session’s closing',
  },
  workload: { ready: 'table()', phase: 'stream() or next()', counts: 'stream() or next()', closed: 'next()' },
}

/** The thread and the modules that it runs. */
export interface Suspects {
  /** Such as `generator 0`. */
  readonly thread: string
  /** The files of those from outside. */
  readonly driver: string | undefined
  readonly workload: string | undefined
}

/** Which call of which file it can have been; undefined where all that the thread runs is of the tree. */
function callsOf({ driver, workload }: Suspects, doing: string): { readonly file: string; readonly call: string }[] {
  const of = (kind: 'driver' | 'workload', file: string | undefined) =>
    file === undefined ? [] : [{ file, call: METHODS[kind][doing as Doing] }]
  return [...of('driver', driver), ...of('workload', workload)]
}

/** The thread has been silent. STORE where something from outside can be in the way, else WORKER. */
export function hangingThread(suspects: Suspects, doing: string, silentMs: number): BenchError {
  const [first, ...others] = callsOf(suspects, doing)
  if (first === undefined) {
    return new BenchError(
      'WORKER',
      `The ${suspects.thread} thread has come back from no call for ${secondsText(silentMs)}. This is likely an error in geowrite or in the driver.`,
    )
  }
  const or = others.map(({ file, call }) => `, or ${file} from its ${call},`).join('')
  return tooLate({ name: first.file, isOutside: true }, `come back from its ${first.call}${or}`, silentMs)
}

/** The thread is no more, and nobody ended it. */
export function endedThread(suspects: Suspects, doing: string): BenchError | undefined {
  const files = callsOf(suspects, doing).map(({ file }) => file)
  if (files.length === 0) return undefined
  return new BenchError(
    'STORE',
    `${files.join(' or ')} ended the ${suspects.thread} thread of the harness, as process.exit does: it must throw instead, and say why.`,
  )
}
