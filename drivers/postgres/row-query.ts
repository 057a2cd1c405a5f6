// A prepared statement that answers with one row, as the client library's query: without asking what its columns are, and
// sent together with what else is asked in the same turn of the event loop. At a row a statement those two are half the cost.
import { Query, type Connection } from 'pg'

/** The client library's connection, with what its published types leave out. */
interface PreparingConnection {
  readonly stream: { readonly writableCorked: number; cork(): void; uncork(): void }
  readonly parsedStatements: Readonly<Record<string, string>>
  readonly submittedNamedStatements: Record<string, string>
  parse(statement: { name: string; text: string; types: readonly number[] }): void
  bind(statement: { portal: string; statement: string; values: readonly (Uint8Array | null)[]; binary: boolean }): void
  execute(what: { portal: string; rows: number }): void
  sync(): void
}

/** Hand it to `client.query`; `settled` hears once what went wrong (else null) and the fields that the server returned. */
export class RowQuery extends Query {
  // The client library reads both to keep account of what is prepared.
  readonly name: string
  readonly text: string
  readonly #values: readonly (Uint8Array | null)[]
  readonly #settled: (error: Error | null, fields: readonly string[]) => void
  #fields: readonly string[] = []

  constructor(
    name: string,
    text: string,
    values: readonly (Uint8Array | null)[],
    settled: (error: Error | null, fields: readonly string[]) => void,
  ) {
    super(text)
    this.name = name
    this.text = text
    this.#values = values
    this.#settled = settled
  }

  override submit = (connection: Connection): void => {
    const { name, text } = this
    const preparing = connection as unknown as PreparingConnection
    const { stream } = preparing
    if (stream.writableCorked === 0) {
      stream.cork()
      process.nextTick(() => stream.uncork())
    }
    if (preparing.parsedStatements[name] === undefined && preparing.submittedNamedStatements[name] === undefined) {
      preparing.parse({ name, text, types: [] })
      preparing.submittedNamedStatements[name] = text
    }
    preparing.bind({ portal: '', statement: name, values: this.#values, binary: false })
    preparing.execute({ portal: '', rows: 0 })
    preparing.sync()
  }

  handleDataRow({ fields }: { readonly fields: readonly string[] }): void {
    this.#fields = fields
  }

  handleCommandComplete(): void {
    // Only what follows, that the server is ready again, says that it committed.
  }

  handleReadyForQuery(): void {
    this.#settled(null, this.#fields)
  }

  handleError(error: Error): void {
    this.#settled(error, [])
  }
}
