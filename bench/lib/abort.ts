// Waiting for something, but no longer than until a signal says stop.

/** Settles as `stage` does, or rejects with the signal's reason when it is aborted first. */
export function orAborted<T>(stage: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    // Attached even when it is too late: a stage that fails after nobody waits for it must not end the process.
    stage.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    if (signal.aborted) onAbort()
  })
}
