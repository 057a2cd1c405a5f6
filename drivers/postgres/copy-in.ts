// One COPY of a whole block as a query of the client library: sent at once, answered once. The library's own stream waits for
// the server's consent, which costs a round trip, and fails beyond repair when the server refuses a row in mid-stream.
import type { Connection, Submittable } from 'pg'

/** What the client library's connection can do beside its published types. */
interface CopyingConnection {
  readonly stream: { readonly writable: boolean; write(message: Uint8Array): void }
  query(text: string): void
}

/** Hand it to `client.query`; `settled` hears once whether the server committed (null) or what went wrong. */
export class CopyIn implements Submittable {
  readonly #text: string
  readonly #messages: Iterable<Uint8Array>
  readonly #settled: (error: Error | null) => void

  /** @param messages whole protocol messages, the last one with the end; each is sent as soon as it is made. */
  constructor(text: string, messages: Iterable<Uint8Array>, settled: (error: Error | null) => void) {
    this.#text = text
    this.#messages = messages
    this.#settled = settled
  }

  submit(connection: Connection): void {
    const copying = connection as unknown as CopyingConnection
    const { stream } = copying
    copying.query(this.#text)
    // The server drops what belongs to a COPY that it refused.
    for (const message of this.#messages) if (stream.writable) stream.write(message)
  }

  handleCopyInResponse(): void {
    // The rows are on their way already.
  }

  handleCommandComplete(): void {
    // Only what follows, that the server is ready again, says that it committed.
  }

  handleReadyForQuery(): void {
    this.#settled(null)
  }

  handleError(error: Error): void {
    this.#settled(error)
  }
}
