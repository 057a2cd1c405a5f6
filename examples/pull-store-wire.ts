// How the example store is asked: JSON over HTTP. Slow, but short; a driver of a real store uses that store's own client.
import { BenchError, OPERATION, type Address, type RowBatch } from 'geowrite/contract'
import { encodeContent, encodedLength } from 'geowrite/driver-kit'
import type { Answers } from './pull-store-process.ts'

export interface PullStoreConfig {
  readonly dc: string
  readonly dcIndex: number
  readonly address: Address
  /** The other DCs as they are reached through the link. */
  readonly peers: Readonly<Record<string, Address>>
  readonly secret: string
}

/** Key, dot, version, and the content in base 64; that of a tombstone is empty. */
export type Row = readonly [key: number, dot: number, version: number, content: string]

export interface Question {
  readonly rows?: readonly Row[]
  readonly keys?: readonly number[]
  readonly bucket?: number
  readonly buckets?: number
  readonly after?: number
}

export interface Store {
  readonly address: Address
  readonly secret: string
}

/** One request to a DC's process; rejects when it is refused or not answered in time. */
export async function ask<Q extends keyof Answers>(store: Store, what: Q, question: Question = {}, timeoutMs = 60_000) {
  const response = await fetch(`http://${store.address.host}:${store.address.port}/${what}`, {
    method: 'POST',
    headers: { authorization: store.secret },
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok)
    throw new BenchError('STORE', `The pull store refused ${what} with ${response.status}: see its log.`)
  return (await response.json()) as Answers[Q]
}

export function rowsOf(batch: RowBatch): Row[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const isDelete = batch.operations[i] === OPERATION.delete
    const content = Buffer.alloc(isDelete ? 0 : encodedLength(batch.columns, i))
    if (!isDelete) encodeContent(batch.columns, i, content, 0)
    return [batch.keys[i], batch.dots[i], batch.versions[i], content.toString('base64')]
  })
}
