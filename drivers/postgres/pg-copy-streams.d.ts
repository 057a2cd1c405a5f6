// The part of pg-copy-streams that loading uses; the package brings no types of its own.
declare module 'pg-copy-streams' {
  import type { Writable } from 'node:stream'
  import type { Connection, Submittable } from 'pg'

  /** A COPY … FROM STDIN under way: what is written to it goes to the server. */
  export class CopyStreamQuery extends Writable implements Submittable {
    submit(connection: Connection): void
  }

  export function from(text: string): CopyStreamQuery
}
