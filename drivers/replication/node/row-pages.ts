// The rows of a snapshot that were asked for, in pages: those of given keys, or of one bucket.
import type { EngineSnapshot, RowPage } from './engine.ts'

/** Rows read of one go, so that the event loop is never held for long. */
const PAGE_ROWS = 500

export async function* pagesOfKeys(snapshot: EngineSnapshot, keys: Float64Array): AsyncGenerator<RowPage> {
  for (let from = 0; from < keys.length; from += PAGE_ROWS) {
    const asked = keys.subarray(from, from + PAGE_ROWS)
    const found = await snapshot.read(asked)
    const page: { keys: number[]; records: Buffer[] } = { keys: [], records: [] }
    for (let i = 0; i < asked.length; i++) {
      const record = found[i]
      if (record === undefined) continue
      page.keys.push(asked[i])
      page.records.push(record)
    }
    yield page
  }
}

export async function* pagesOfBucket(
  snapshot: EngineSnapshot,
  bucket: number,
  buckets: number,
): AsyncGenerator<RowPage> {
  let page: { keys: number[]; records: Buffer[] } = { keys: [], records: [] }
  for await (const { keys, records } of snapshot.pages()) {
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] % buckets !== bucket) continue
      page.keys.push(keys[i])
      page.records.push(records[i])
    }
    if (page.keys.length < PAGE_ROWS) continue
    yield page
    page = { keys: [], records: [] }
  }
  yield page
}
