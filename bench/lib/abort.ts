// Waiting for something, but no longer than until a signal says stop.

/** How long the true reason may take to arrive after an error that it caused. */
const REASON_WITHIN_MS = 200

/**
 * As `orAborted`, and where the stage fails just before the signal is aborted, with the signal's reason: a connection that
 * breaks because a service died is told as the service's death.
 */
export async function orReason<T>(stage: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await orAborted(stage, signal)
  } catch (error) {
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REASON_WITHIN_MS)
        signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
      })
    }
    throw signal.aborted ? (signal.reason as Error) : error
  }
}

/** Settles as `stage` does, or rejects with the signal's reason when it is aborted first. */
function orAborted<T>(stage: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    // Attached even when it is too late: a stage that fails after nobody waits for it must not end the process.
    stage.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    if (signal.aborted) onAbort()
  })
}
