// One COPY of a whole block as a query of the client library: sent at once, answered once. The library's own stream waits for
// the server's consent, which costs a round trip, and fails beyond repair when the server refuses a row in mid-stream.
import type { Connection, Submittable } from 'pg'

/** What the client library's connection can do beside its published types. */
interface CopyingConnection {
  readonly stream: { cork(): void; uncork(): void }
  query(text: string): void
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
}

/** Hand it to `client.query`; `settled` hears once whether the server committed (null) or what went wrong. */
export class CopyIn implements Submittable {
  readonly #text: string
  readonly #chunks: readonly Uint8Array[]
  readonly #settled: (error: Error | null) => void

  constructor(text: string, chunks: readonly Uint8Array[], settled: (error: Error | null) => void) {
    this.#text = text
    this.#chunks = chunks
    this.#settled = settled
  }

  submit(connection: Connection): void {
    const copying = connection as unknown as CopyingConnection
    copying.stream.cork()
    copying.query(this.#text)
    // The server drops what belongs to a COPY that it refused.
    for (const chunk of this.#chunks) copying.sendCopyFromChunk(chunk)
    copying.endCopyFrom()
    copying.stream.uncork()
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
