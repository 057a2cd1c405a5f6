// What is said of a service that did not start or ended by itself, with the last words of its log, wherever it runs.
import { BenchError } from '../contract/errors.ts'
import { lastLines } from './service-log.ts'

const PORT_TAKEN = /port is already allocated|EADDRINUSE|address already in use/i

function lastWords(logPath: string, lines: number): string {
  const text = lastLines(logPath, lines)
  return text === '' ? ' (its log is empty)' : `: “${text}”`
}

/** SERVICE_DIED; `how` is how it ended, as part of a sentence. */
export function diedError(name: string, how: string, logPath: string): BenchError {
  return new BenchError(
    'SERVICE_DIED',
    `${name} ended by itself with ${how} in the middle of the run${lastWords(logPath, 3)}; the run cannot be trusted: mend the cause and run again.`,
  )
}

/** SERVICE_START with the last `lines` of the log. `told` is where it would say that a port was taken. */
export function startError(
  name: string,
  why: string,
  { logPath, lines, told }: { readonly logPath: string; readonly lines: number; readonly told: string },
): BenchError {
  const sentence = PORT_TAKEN.test(told)
    ? `${name} did not start because another program took one of its ports at that moment: run again, or choose another port range.`
    : `${name} did not start: ${why}${lastWords(logPath, lines)}; mend the cause and run again.`
  return new BenchError('SERVICE_START', sentence)
}
