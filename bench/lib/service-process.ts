// What every service process of ours does the same way: read its configuration, say that it is ready, end with its parent.
import { readFileSync } from 'node:fs'

/** The line on standard output that tells bench/deploy that the service is ready. */
export const READY_LINE = 'ready'

/** The configuration whose path is the process's first argument. It may hold secrets, so it is a file of mode 0600. */
export function serviceConfig<C>(): C {
  return JSON.parse(readFileSync(process.argv[2], 'utf8')) as C
}

export function announceReady(): void {
  process.stdout.write(`${READY_LINE}\n`)
}

/**
 * Runs `end` once, and then exits, when the service is asked to stop or its standard input closes: the harness holds the
 * other end of that pipe, so that a harness killed with -9 takes its services along.
 */
export function endWithParent(end: () => Promise<void>): void {
  let ending = false
  const stop = (code: number) => {
    if (ending) return
    ending = true
    // A hanging clean-up must not keep the process: what is durable was durable before.
    setTimeout(() => process.exit(code), 3000).unref()
    end().then(
      () => process.exit(code),
      (error: unknown) => {
        log(`ending failed: ${String(error)}`)
        process.exit(1)
      },
    )
  }
  process.stdin.on('end', () => stop(0))
  process.stdin.on('error', () => stop(0))
  process.stdin.resume()
  process.on('SIGTERM', () => stop(0))
  process.on('SIGINT', () => stop(0))
}

/** One line in the service's log (standard error, which bench/deploy keeps in a file). */
export function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`)
}
