// A driver from outside: a map in memory in each DC. Every DC pulls the logs of the others through the link; the last writer wins.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchError, type Address, type Admin, type Driver, type RowBatch } from 'geowrite/contract'
import { messageOf, OUTCOME, type Endpoints, type Session } from 'geowrite/contract'
import { encodeContent, encodedLength, READY_LINE } from 'geowrite/driver-kit'
import type { Answers, PullStoreConfig, Question, Row } from './pull-store-process.ts'

const PROCESS = fileURLToPath(new URL('./pull-store-process.ts', import.meta.url))
const PORT = 'http'

/** One request to a DC's process; rejects when it is not answered in time. */
async function ask<Q extends keyof Answers>(
  to: Address,
  secret: string,
  what: Q,
  question: Question,
  timeoutMs = 60_000,
) {
  const response = await fetch(`http://${to.host}:${to.port}/${what}`, {
    method: 'POST',
    headers: { authorization: secret },
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok)
    throw new BenchError('STORE', `The pull store answered ${response.status} to ${what}; its log says why.`)
  return (await response.json()) as Answers[Q]
}

function rowsOf(batch: RowBatch): Row[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const content = Buffer.alloc(encodedLength(batch.columns, i))
    encodeContent(batch.columns, i, content, 0)
    return [batch.keys[i], batch.dots[i], batch.versions[i], content.toString('base64')]
  })
}

function sessionOn(to: Address, secret: string, timeoutMs: number): Session {
  return {
    async write(batch) {
      try {
        const raised = await ask(to, secret, 'write', { rows: rowsOf(batch) }, timeoutMs)
        return { outcome: OUTCOME.ok, storedVersions: Float64Array.from(raised) }
      } catch (error) {
        return { outcome: OUTCOME.info, error: messageOf(error) }
      }
    },
    async read(keys) {
      const rows = await ask(to, secret, 'read', { keys: [...keys] }, timeoutMs)
      return { dots: Float64Array.from(rows, ([, dot]) => dot), versions: Float64Array.from(rows, ([, , v]) => v) }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

function adminOf(endpoints: Endpoints, dcs: readonly string[], secret: string): Admin {
  const at = <Q extends keyof Answers>(dc: string, what: Q, question: Question = {}) =>
    ask(endpoints[dc][PORT], secret, what, question)
  const everywhere = <Q extends keyof Answers>(what: Q, question?: Question) =>
    Promise.all(dcs.map((dc) => at(dc, what, question)))
  return {
    describe: async () => ({ version: '1', durability: 'None: rows are in memory only.', settings: {} }),
    prepare: async () => {},
    async load(source, progress) {
      let loaded = 0
      for (const batch of source()) {
        await everywhere('load', { rows: rowsOf(batch) })
        progress((loaded += batch.count))
      }
    },
    replicate: async () => void (await everywhere('follow')),
    async backlog() {
      const states = await everywhere('state')
      return dcs.flatMap((to, i) =>
        Object.entries(states[i].pulled).map(([from, pulled]) => {
          return { from, to, amount: Math.max(0, states[dcs.indexOf(from)].logged - pulled), unit: 'rows' as const }
        }),
      )
    },
    async digest(dc, { buckets, keys }) {
      const answer = await at(dc, 'digest', { buckets, ...(keys === undefined ? {} : { keys: [...keys] }) })
      const [sums, xors] = [answer.sums, answer.xors].map((list) => BigUint64Array.from(list, BigInt))
      return { ...answer, counts: Float64Array.from(answer.counts), sums, xors }
    },
    async *rows(dc, selection) {
      const question = 'keys' in selection ? { keys: [...selection.keys] } : selection
      const rows = await at(dc, 'rows', question)
      const [keys, dots, versions] = [0, 1, 2].map((place) => Float64Array.from(rows, (row) => Number(row[place])))
      yield { count: rows.length, keys, dots, versions, contents: rows.map((row) => Buffer.from(row[3], 'base64')) }
    },
    async counters() {
      const discarded = (await everywhere('state')).reduce((sum, state) => sum + state.discarded, 0)
      return { conflictsReported: { count: discarded, meaning: 'Pulled rows older than the row held.' }, own: {} }
    },
    flush: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

export const pullStore: Driver = {
  name: 'pull-store',
  summary: 'an example: a map in memory a DC, logs pulled over HTTP',
  replications: [
    {
      name: 'pull',
      meaning: 'each DC asks the others for the rows written since it last asked, and keeps the newest version',
      capabilities: {
        conflicts: 'last-write-wins',
        acknowledges: 'local',
        ordered: true,
        transactions: false,
        readable: true,
      },
    },
  ],
  modes: [{ name: 'batch', meaning: 'many rows a request', batchRows: 500, inFlight: 1, writers: 1 }],
  settings: [],
  missing: async () => undefined,
  bytesPerRow: () => 0,
  services: ({ dcs, secret }) =>
    dcs.map((dc) => {
      const others = dcs.filter((other) => other !== dc).map(({ name }) => name)
      return {
        name: `pull-store ${dc.name}`,
        dc: dc.name,
        role: 'store',
        stage: 'deploy',
        ports: [PORT],
        reaches: others.map((other) => ({ dc: other, port: PORT })),
        files({ ports, reach }) {
          const peers = Object.fromEntries(others.map((other) => [other, reach(other, PORT)]))
          const config: PullStoreConfig = { dcIndex: dc.index, address: ports[PORT], peers, secret }
          return [{ path: 'config.json', content: JSON.stringify(config) }]
        },
        setup: () => [],
        command: ({ folder }) => ({ program: 'node', args: [PROCESS, join(folder, 'config.json')] }),
        ready: { type: 'line', starts: READY_LINE },
        readyTimeoutMs: 20_000,
        stopSignal: 'SIGTERM',
        stopTimeoutMs: 5000,
        unprivileged: false,
        watchesParent: true,
      }
    }),
  open: async (dc, seen, { plan, timeoutMs }) => sessionOn(seen[dc.name][PORT], plan.secret, timeoutMs),
  admin: async (endpoints, { dcs, secret }) =>
    adminOf(
      endpoints,
      dcs.map(({ name }) => name),
      secret,
    ),
}
