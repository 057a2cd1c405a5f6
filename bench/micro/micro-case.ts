// What a micro benchmark is: one hot path, alone, on rows that are made before the clock runs.

export interface MicroCase {
  readonly name: string
  /** Rows that one call of `run` handles. */
  readonly rows: number
  run(): void | Promise<void>
  /** Ends what the case holds, when all is measured. */
  close?(): void
}

/** What a `*.micro.ts` file exports. Its folder is removed afterwards. */
export type MicroCases = (folder: string) => Promise<readonly MicroCase[]> | readonly MicroCase[]
