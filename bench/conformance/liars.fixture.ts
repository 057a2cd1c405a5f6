// Drivers that lie: the memory store with one promise broken each, and the checks that must find it, no more and no fewer.
import type { Admin, Capabilities, Driver, RowSource, Session } from '../contract/driver.ts'
import { OUTCOME } from '../contract/outcome.ts'
import { OPERATION, type RowBatch } from '../contract/table.ts'
import { delay } from '../lib/clock.ts'
import { DigestSum } from '../lib/digest-sum.ts'
import { memory } from '../../drivers/memory/driver.ts'

export interface Liar {
  readonly lie: string
  /** The checks that fail, all others pass or are skipped. */
  readonly fails: readonly string[]
  /** Checks beside those that a short run looks at: near misses. */
  readonly passes: readonly string[]
  readonly driver: Driver
}

const truth: Driver = { ...memory, name: 'liar' }

/** The members of `target` with some replaced; the others keep their `this`. */
function replaced<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in own) return (own as Record<PropertyKey, unknown>)[name]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

function withCapabilities(change: Partial<Capabilities>): Driver {
  const [first] = truth.replications
  return { ...truth, replications: [{ ...first, capabilities: { ...first.capabilities, ...change } }] }
}

const withSession = (change: (session: Session, dcIndex: number) => Partial<Session>): Driver => ({
  ...truth,
  async open(dc, ...rest) {
    const session = await truth.open(dc, ...rest)
    return replaced(session, change(session, dc.index))
  },
})

const withAdmin = (change: (admin: Admin) => Partial<Admin>): Driver => ({
  ...truth,
  async admin(...asked) {
    const admin = await truth.admin(...asked)
    return replaced(admin, change(admin))
  },
})

function withoutDeletes(batch: RowBatch): RowBatch {
  const kept = Array.from({ length: batch.count }, (_, i) => i).filter((i) => batch.operations[i] !== OPERATION.delete)
  const numbers = (column: Float64Array) => Float64Array.from(kept, (i) => column[i])
  return {
    ...batch,
    count: kept.length,
    keys: numbers(batch.keys),
    dots: numbers(batch.dots),
    versions: numbers(batch.versions),
    operations: Uint8Array.from(kept, (i) => batch.operations[i]),
    columns: batch.columns.map((column) =>
      column.type === 'int'
        ? { ...column, values: Int32Array.from(kept, (i) => column.values[i]) }
        : {
            ...column,
            starts: Uint32Array.from(kept, (i) => column.starts[i]),
            lengths: Uint16Array.from(kept, (i) => column.lengths[i]),
          },
    ),
  }
}

const shortened = (batch: RowBatch): RowBatch => ({
  ...batch,
  columns: batch.columns.map((column) =>
    column.type === 'text' ? { ...column, lengths: column.lengths.map((length) => Math.min(length, 255)) } : column,
  ),
})

const setting = (batch: RowBatch): RowBatch => ({
  ...batch,
  operations: batch.operations.map((operation) => (operation === OPERATION.increment ? OPERATION.upsert : operation)),
})

/** Every row but the last. */
const shorter = (source: RowSource): RowSource =>
  function* () {
    for (const batch of source()) yield { ...batch, count: batch.count - 1 }
  }

/** Rows that reach the second DC are hidden from its readers for a while, one in seven. */
function unordered(session: Session, dcIndex: number): Partial<Session> {
  const since = new Map<number, number>()
  const isHidden = (dot: number) => {
    if (dcIndex !== 1 || dot % 7 !== 0) return false
    const first = since.get(dot) ?? performance.now()
    since.set(dot, first)
    return performance.now() - first < 60
  }
  return {
    async read(keys) {
      const read = await session.read(keys)
      return { ...read, dots: read.dots.map((dot) => (isHidden(dot) ? 0 : dot)) }
    },
  }
}

/** Digests over keys, dots and versions alone. */
async function withoutContent(admin: Admin, dc: string, { buckets, keys }: { buckets: number; keys?: Float64Array }) {
  const { startedUs, endedUs } = await admin.digest(dc, keys === undefined ? { buckets } : { buckets, keys })
  const sum = new DigestSum(buckets)
  for await (const rows of admin.rows(dc, keys === undefined ? { bucket: 0, buckets: 1 } : { keys })) {
    for (let i = 0; i < rows.count; i++) sum.addRow(rows.keys[i], rows.dots[i], rows.versions[i], new Uint8Array())
  }
  return { startedUs, endedUs, counts: sum.counts, sums: sum.sums, xors: sum.xors }
}

/** Sends inserts to the other DCs as well, past the links. */
function bypassing(): Driver {
  let everywhere: Parameters<Driver['admin']>[0] = {}
  return {
    ...truth,
    admin(endpoints, ...rest) {
      everywhere = endpoints
      return truth.admin(endpoints, ...rest)
    },
    async open(dc, seen, options, signal) {
      const session = await truth.open(dc, seen, options, signal)
      const others = await Promise.all(
        options.plan.dcs
          .filter((other) => other.index !== dc.index)
          .map((other) => truth.open(other, everywhere, options, signal)),
      )
      return replaced(session, {
        async write(batch) {
          const result = await session.write(batch)
          const inserts = batch.operations.subarray(0, batch.count).every((operation) => operation === OPERATION.insert)
          if (inserts) await Promise.all(others.map((other) => other.write(batch)))
          return result
        },
        async [Symbol.asyncDispose]() {
          await Promise.all([session, ...others].map((each) => each[Symbol.asyncDispose]()))
        },
      })
    },
  }
}

const OK = { outcome: OUTCOME.ok }

export const LIARS: readonly Liar[] = [
  {
    lie: 'acknowledges a large batch before it stores it',
    fails: ['batch-sizes'],
    passes: ['reads-own-writes', 'bounds'],
    driver: withSession((session) => ({
      write(batch) {
        if (batch.count < 100) return session.write(batch)
        const copy = structuredClone(batch)
        void delay(150).then(() => session.write(copy))
        return Promise.resolve(OK)
      },
    })),
  },
  {
    lie: 'does not say that it raised a version',
    fails: ['never-lowers'],
    passes: ['reads-own-writes'],
    driver: withSession((session) => ({
      async write(batch) {
        const { storedVersions: _, ...rest } = await session.write(batch)
        return rest
      },
    })),
  },
  {
    lie: 'cuts texts to 255 bytes',
    fails: ['bounds'],
    passes: ['reads-own-writes', 'batch-sizes'],
    driver: withSession((session) => ({ write: (batch) => session.write(shortened(batch)) })),
  },
  {
    lie: 'acknowledges deletes and does nothing',
    fails: ['conflicts', 'deletes-last', 'operations', 'deletes', 'increments', 'causality-deletes'],
    passes: ['reads-own-writes'],
    driver: withSession((session) => ({
      async write(batch) {
        const kept = withoutDeletes(batch)
        if (kept.count === batch.count) return session.write(batch)
        const { outcome } = kept.count === 0 ? OK : await session.write(kept)
        return { outcome }
      },
    })),
  },
  {
    lie: 'sets a counter instead of adding to it',
    fails: ['increments'],
    passes: ['operations'],
    driver: withSession((session) => ({ write: (batch) => session.write(setting(batch)) })),
  },
  {
    lie: 'declares an order that it does not keep',
    fails: ['ordered'],
    passes: ['through-the-link'],
    driver: withSession(unordered),
  },
  {
    lie: 'declares that all DCs have a write when it is acknowledged',
    fails: ['acknowledges'],
    passes: ['conflicts'],
    driver: withCapabilities({ acknowledges: 'all' }),
  },
  {
    lie: 'declares that it diverges, and converges',
    fails: ['conflicts'],
    passes: ['ordered'],
    driver: withCapabilities({ conflicts: 'diverges' }),
  },
  {
    lie: 'reaches the other DC past the link',
    fails: ['through-the-link', 'backlog', 'deletes-last', 'causality', 'causality-deletes'],
    passes: ['reads-own-writes'],
    driver: bypassing(),
  },
  {
    lie: 'never answers what is left to replicate',
    fails: ['backlog'],
    passes: ['counters'],
    driver: withAdmin(() => ({ backlog: () => new Promise(() => undefined) })),
  },
  {
    lie: 'says that nothing is ever left to replicate',
    fails: ['backlog'],
    passes: ['counters'],
    driver: withAdmin((admin) => ({
      backlog: async () => (await admin.backlog()).map((each) => ({ ...each, amount: 0 })),
    })),
  },
  {
    lie: 'makes digests without the content',
    fails: ['digest-sees'],
    passes: ['digest-buckets', 'selections'],
    driver: withAdmin((admin) => ({ digest: (dc, selection) => withoutContent(admin, dc, selection) })),
  },
  {
    lie: 'loads a row less',
    fails: ['loads'],
    passes: [],
    driver: withAdmin((admin) => ({ load: (source, progress) => admin.load(shorter(source), progress) })),
  },
  {
    lie: 'says fail of what may still happen',
    fails: ['timeouts'],
    passes: ['aborts'],
    driver: withSession((session) => ({
      async write(batch) {
        const result = await session.write(batch)
        return result.outcome === OUTCOME.info ? { ...result, outcome: OUTCOME.fail } : result
      },
    })),
  },
  {
    lie: 'rejects where the outcome is unknown',
    fails: ['timeouts', 'survives-kill'],
    passes: ['aborts'],
    driver: withSession((session) => ({
      async write(batch) {
        const result = await session.write(batch)
        if (result.outcome !== OUTCOME.ok) throw new Error('no connection')
        return result
      },
    })),
  },
  {
    lie: 'says that rows survive a kill',
    fails: ['survives-kill'],
    passes: ['timeouts'],
    driver: withAdmin((admin) => ({ describe: async () => ({ ...(await admin.describe()), survivesKill: true }) })),
  },
  {
    lie: 'leaves its connections open',
    fails: ['leaves-nothing'],
    passes: ['keeps-secrets'],
    driver: withSession(() => ({ [Symbol.asyncDispose]: () => Promise.resolve() })),
  },
  {
    lie: 'starts its services with the secret in their arguments',
    fails: ['services', 'keeps-secrets'],
    passes: ['leaves-nothing'],
    driver: {
      ...truth,
      services: (plan) =>
        truth.services(plan).map((service) => ({
          ...service,
          command(place) {
            const command = service.command(place)
            return { ...command, args: [...command.args, plan.secret] }
          },
        })),
    },
  },
  {
    lie: 'does not say what it had seen',
    fails: ['causality', 'causality-deletes'],
    passes: ['conflicts'],
    driver: withSession((session) => ({
      async write(batch) {
        const result = await session.write(batch)
        return result.seen === undefined ? result : { ...result, seen: new Float64Array(result.seen.length) }
      },
    })),
  },
]
