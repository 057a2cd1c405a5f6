// Every way in which geowrite ends early: a code, what it means, and the exit code that a script sees.

/** Exit codes of the command line (docs/design.md, section 8). */
export const EXIT = {
  done: 0,
  failed: 1,
  invalid: 2,
  usage: 64,
  unavailable: 69,
  bug: 70,
  interrupted: 130,
} as const

/** One row of the error table: which exit code it has and what a user should understand by it. */
interface ErrorKind {
  readonly exit: number
  readonly meaning: string
}

export const ERROR_KINDS = {
  USAGE: { exit: EXIT.usage, meaning: 'An option, command or value is not one that geowrite knows.' },
  SCENARIO: { exit: EXIT.usage, meaning: 'A scenario cannot be run as written.' },
  RUN_FOLDER: { exit: EXIT.usage, meaning: 'A folder given to a command is not a readable bench folder.' },
  RESULTS_FOLDER: { exit: EXIT.unavailable, meaning: 'The results folder cannot be written.' },
  DATA_FOLDER: { exit: EXIT.unavailable, meaning: 'The folder for the stores’ data cannot be written.' },
  ROOM: {
    exit: EXIT.unavailable,
    meaning: 'The disk, the memory or the limit of open files cannot hold what a run needs.',
  },
  PORTS: { exit: EXIT.unavailable, meaning: 'No free port is left in the range that was given.' },
  COMPONENT: { exit: EXIT.unavailable, meaning: 'A needed program or package is missing or does not start.' },
  SERVICE_START: { exit: EXIT.unavailable, meaning: 'A service did not become ready in time.' },
  SERVERS: {
    exit: EXIT.unavailable,
    meaning:
      'Servers of the user’s cannot be used as they are: no way there, no login, no right, or something in the way.',
  },
  SERVICE_DIED: { exit: EXIT.invalid, meaning: 'A service ended by itself in the middle of a run.' },
  LINK: { exit: EXIT.invalid, meaning: 'The WAN link does not have the delay that was asked for.' },
  STORE: {
    exit: EXIT.invalid,
    meaning: 'A store refused what the run needs from it or did not answer, or something from outside failed.',
  },
  WORKER: { exit: EXIT.bug, meaning: 'A generator or prober thread failed.' },
  INTERRUPTED: { exit: EXIT.interrupted, meaning: 'The run was interrupted.' },
  FORMAT: { exit: EXIT.invalid, meaning: 'A stored file or a message does not follow its format.' },
  BUG: { exit: EXIT.bug, meaning: 'An error in geowrite itself.' },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/** An error that a user may see: one sentence that says what, why and what to do. */
export class BenchError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, sentence: string, options?: { cause?: unknown }) {
    super(sentence, options)
    this.name = 'BenchError'
    this.code = code
  }

  get exit(): number {
    return ERROR_KINDS[this.code].exit
  }
}

/** The text of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
