// What run.json says of the system and of the scenario that it ran.
import { z } from 'zod'
import { DC_COUNT_MAX } from '../contract/topology.ts'
import { amount, count, maybeAmount, name, pair, texts } from './schema-parts.ts'

/** Names of DCs are parts of file names. */
const dcName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)

export const capabilities = z.looseObject({
  conflicts: z.enum(['none', 'last-write-wins', 'version-vector', 'merge', 'diverges']),
  acknowledges: z.enum(['local', 'quorum', 'all']),
  ordered: z.boolean(),
  transactions: z.boolean(),
  readable: z.boolean(),
  vectors: z.literal(true).exactOptional(),
  increments: z.literal(true).exactOptional(),
  blindWrites: z.literal(true).exactOptional(),
})

const column = z.union([
  z.looseObject({ name, type: z.literal('text'), minBytes: count, maxBytes: count }),
  z.looseObject({
    name,
    type: z.literal('int'),
    min: z.number(),
    max: z.number(),
    counter: z.literal(true).exactOptional(),
  }),
])

export const link = z.looseObject({
  ...pair,
  delayMs: amount,
  jitterMs: amount,
  bandwidthBytesPerSecond: amount.exactOptional(),
  isUnknown: z.literal(true).exactOptional(),
})

const topology = z
  .looseObject({
    dcs: z
      .array(z.looseObject({ name: dcName, index: count }))
      .min(1)
      .max(DC_COUNT_MAX),
    links: z.array(link),
  })
  .refine(({ dcs }) => dcs.every((dc, i) => dc.index === i), 'must number the DCs from 0')
  .refine(({ dcs }) => new Set(dcs.map((dc) => dc.name)).size === dcs.length, 'names a DC twice')
  .refine(
    ({ dcs, links }) =>
      dcs.every((a) => dcs.every((b) => a === b || links.some(({ from, to }) => from === a.name && to === b.name))),
    'lacks a link between two DCs',
  )

export const system = z.looseObject({
  driver: name,
  replication: name,
  mode: name,
  capabilities,
  settings: texts,
  store: z.nullable(
    z.looseObject({
      version: z.string(),
      durability: z.string(),
      notForPublishing: z.string().exactOptional(),
      ownOrder: z.string().exactOptional(),
      settings: texts,
    }),
  ),
  waits: z.looseObject({ roundTrips: amount, to: z.enum(['own', 'majority', 'farthest']) }).exactOptional(),
})

export const scenario = z.looseObject({
  workload: name,
  rows: count,
  columns: z.array(column),
  overlap: amount,
  skew: amount,
  distribution: name,
  shardKey: name,
  topology,
  deployment: name,
  external: z
    .looseObject({
      encryption: z.record(name, z.enum(['verified', 'unverified', 'none'])),
      peerEncryption: texts,
      besideHarness: z.array(name),
    })
    .exactOptional(),
  seed: z.number(),
  arrivals: name,
  rowsPerSecond: maybeAmount,
  rateAsked: name,
  batchRows: count,
  lingerMs: amount,
  writers: count,
  inFlight: count,
  timeoutMs: amount,
  durationSeconds: amount,
  probesPerSecond: z.union([amount, z.literal('all')]),
  quick: z.boolean(),
  causality: z.enum(['bounds', 'exact']).exactOptional(),
  deletes: amount.exactOptional(),
  takesTurns: z.boolean().exactOptional(),
  clockSkewMs: z.record(name, z.number()).exactOptional(),
})
