// One DC's process of the example store: rows in a map, a log of the rows written here, and a puller for every other DC.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Address } from 'geowrite/contract'
import {
  announceReady,
  delay,
  DigestSum,
  endWithParent,
  log,
  nextVersion,
  nowUs,
  serviceConfig,
} from 'geowrite/driver-kit'
import type { PullStoreConfig, Question, Row } from './pull-store-wire.ts'

const LOG_ROWS_MAX = 5000
const LOG_WAIT_MS = 5
const config = serviceConfig<PullStoreConfig>()
const table = new Map<number, Row>()
const written: Row[] = []
const pulled: Record<string, number> = {}

/** Stores a local write, above whatever version is held; returns the version where it had to be raised, else 0. */
function write([key, dot, version, content]: Row): number {
  const held = table.get(key)
  const raised = held !== undefined && held[2] >= version ? nextVersion(held[2], config.dcIndex) : 0
  const row: Row = [key, dot, raised === 0 ? version : raised, content]
  table.set(key, row)
  written.push(row)
  return raised
}

function apply(row: Row): void {
  const held = table.get(row[0])
  if (held === undefined || held[2] < row[2]) table.set(row[0], row)
}

function selected({ keys, bucket, buckets = 1 }: Question): Row[] {
  if (keys !== undefined) return keys.flatMap((key) => [table.get(key)].filter((row) => row !== undefined))
  return [...table.values()].filter(([key]) => bucket === undefined || key % buckets === bucket)
}

function digest(question: Question) {
  const startedUs = nowUs()
  const sum = new DigestSum(question.buckets ?? 1)
  for (const [key, dot, version, content] of selected(question)) sum.addRow(key, dot, version, Buffer.from(content))
  const { counts, sums, xors } = sum
  return { startedUs, endedUs: nowUs(), counts: [...counts], sums: [...sums].map(String), xors: [...xors].map(String) }
}

/** The next rows of the log; waits a little while there are none. */
async function logAfter(after = 0): Promise<Row[]> {
  for (let waits = 0; waits < 50 && written.length <= after; waits++) await delay(LOG_WAIT_MS)
  return written.slice(after, after + LOG_ROWS_MAX)
}

async function pull(dc: string, { host, port }: Address): Promise<void> {
  for (;;) {
    try {
      const request = { method: 'POST', headers: { authorization: config.secret } }
      const response = await fetch(`http://${host}:${port}/log`, {
        ...request,
        body: JSON.stringify({ after: pulled[dc] }),
      })
      const rows = (await response.json()) as Row[]
      rows.forEach(apply)
      pulled[dc] += rows.length
    } catch (error) {
      log(`${dc} cannot be asked: ${String(error)}`)
      await delay(200)
    }
  }
}

function follow(): void {
  for (const [dc, address] of Object.entries(config.peers)) {
    pulled[dc] = 0
    void pull(dc, address)
  }
}

const answers = {
  load: ({ rows = [] }: Question) => rows.forEach((row) => table.set(row[0], row)),
  write: ({ rows = [] }: Question) => rows.map(write),
  read: ({ keys = [] }: Question) => keys.map((key): Row => table.get(key) ?? [key, 0, 0, '']),
  rows: selected,
  log: ({ after }: Question) => logAfter(after),
  state: () => ({ dc: config.dc, logged: written.length, pulled }),
  digest,
  follow,
}

/** What each request is answered with. */
export type Answers = { readonly [Q in keyof typeof answers]: Awaited<ReturnType<(typeof answers)[Q]>> }

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = answers[String(request.url).slice(1) as keyof typeof answers]
  const isKnown = request.headers.authorization === config.secret && answer !== undefined
  if (!isKnown) response.writeHead(403).end()
  else response.end(JSON.stringify((await answer((await json(request)) as Question)) ?? null))
}

const server = createServer((request, response) => {
  respond(request, response).catch((error: unknown) => {
    log(String(error))
    response.writeHead(500).end()
  })
})
server.listen(config.address.port, config.address.host, announceReady)
endWithParent(async () => {
  server.close()
})
