// A driver from outside: a map in memory in each DC. Every DC pulls the logs of the others through the link; the last writer wins.
import { messageOf, OPERATION, OUTCOME, type Admin, type Driver, type Session } from 'geowrite/contract'
import { processService } from 'geowrite/driver-kit'
import type { Answers } from './pull-store-process.ts'
import { ask, rowsOf, type PullStoreConfig, type Question, type Store } from './pull-store-wire.ts'

const PROCESS = new URL('./pull-store-process.ts', import.meta.url)
const PORT = 'http'

function sessionOn(store: Store, timeoutMs: number): Session {
  return {
    async write(batch) {
      // The store knows no columns, so that it cannot add to one: what it cannot do it refuses whole.
      const increments = batch.operations.subarray(0, batch.count).includes(OPERATION.increment)
      if (increments) return { outcome: OUTCOME.fail, error: 'no-increments' }
      try {
        const raised = await ask(store, 'write', { rows: rowsOf(batch) }, timeoutMs)
        return { outcome: OUTCOME.ok, storedVersions: Float64Array.from(raised) }
      } catch (error) {
        return { outcome: OUTCOME.info, error: messageOf(error) }
      }
    },
    async read(keys) {
      const rows = await ask(store, 'read', { keys: [...keys] }, timeoutMs)
      return { dots: Float64Array.from(rows, ([, dot]) => dot), versions: Float64Array.from(rows, ([, , v]) => v) }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** @param stores by DC. */
function adminOf(stores: ReadonlyMap<string, Store>): Admin {
  const storeOf = (dc: string) => stores.get(dc) as Store
  const everywhere = <Q extends keyof Answers>(what: Q, question?: Question) =>
    Promise.all([...stores.values()].map((store) => ask(store, what, question)))
  return {
    describe: async () => ({ version: '1', durability: 'None: rows are in memory only.', settings: {} }),
    async prepare() {},
    async load(source, progress) {
      let loaded = 0
      for (const batch of source()) {
        await everywhere('load', { rows: rowsOf(batch) })
        progress((loaded += batch.count))
      }
    },
    async replicate() {
      await everywhere('follow')
    },
    async backlog() {
      const states = new Map((await everywhere('state')).map((state) => [state.dc, state]))
      const left = (from: string, pulled: number) => Math.max(0, (states.get(from)?.logged ?? 0) - pulled)
      return [...states.values()].flatMap(({ dc: to, pulled }) =>
        Object.entries(pulled).map(([from, rows]) => ({ from, to, amount: left(from, rows), unit: 'rows' as const })),
      )
    },
    async digest(dc, { buckets, keys }) {
      const answer = await ask(storeOf(dc), 'digest', keys === undefined ? { buckets } : { buckets, keys: [...keys] })
      const [sums, xors] = [answer.sums, answer.xors].map((list) => BigUint64Array.from(list, BigInt))
      return { ...answer, counts: Float64Array.from(answer.counts), sums, xors }
    },
    async *rows(dc, selection) {
      const rows = await ask(storeOf(dc), 'rows', 'keys' in selection ? { keys: [...selection.keys] } : selection)
      const [keys, dots, versions] = [0, 1, 2].map((place) => Float64Array.from(rows, (row) => Number(row[place])))
      yield { count: rows.length, keys, dots, versions, contents: rows.map((row) => Buffer.from(row[3], 'base64')) }
    },
    counters: async () => ({ conflictsReported: null, own: {} }),
    async flush() {},
    async [Symbol.asyncDispose]() {},
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
      return processService({
        name: `pull-store ${dc.name}`,
        dc: dc.name,
        role: 'store',
        ports: [PORT],
        reaches: others.map((other) => ({ dc: other, port: PORT })),
        script: PROCESS,
        config({ ports, reach }): PullStoreConfig {
          const peers = Object.fromEntries(others.map((other) => [other, reach(other, PORT)]))
          return { dc: dc.name, dcIndex: dc.index, address: ports[PORT], peers, secret }
        },
      })
    }),
  open: async (dc, seen, { plan: { secret }, timeoutMs }) =>
    sessionOn({ address: seen[dc.name][PORT], secret }, timeoutMs),
  admin: async (seen, { dcs, secret }) =>
    adminOf(new Map(dcs.map(({ name }) => [name, { address: seen[name][PORT], secret }]))),
}
