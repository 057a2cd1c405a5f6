// What run.json keeps of an analysis: all that is left to report once a ledger was dropped.
import { z } from 'zod'
import type { RunAnalysis } from '../contract/analysis.ts'
import { FAULT_KINDS } from '../contract/fault.ts'
import { planted } from './facts-schema.ts'
import { amount, count, maybeAmount, maybeNumber, name, pair } from './schema-parts.ts'
import { capabilities, link } from './system-schema.ts'

const sentences = z.array(z.string())
const figure = { value: maybeNumber, low: maybeNumber, high: maybeNumber, n: maybeNumber }

const metric = z.looseObject({ ...figure, dc: name, peer: name, phase: name, metric: name, unit: name })

const auditLine = z.looseObject({
  name,
  unit: name,
  value: maybeNumber,
  bound: z.number(),
  result: z.enum(['within', 'outside', 'not judged']),
  makes: z.enum(['invalid', 'warning']),
  where: name,
  why: z.string(),
})

const fault = z.looseObject({
  name,
  kind: z.enum(FAULT_KINDS),
  links: z.array(z.looseObject(pair)),
  startSeconds: z.number(),
  mendSeconds: z.number(),
  endSeconds: z.number(),
})

export const analysisSchema = z.looseObject({
  run: name,
  index: count,
  repeat: count,
  driver: name,
  replication: name,
  mode: name,
  capabilities,
  workload: name,
  shardKey: name,
  rows: count,
  seed: z.number(),
  quick: z.boolean(),
  notForPublishing: sentences.exactOptional(),
  dcs: z.array(name).min(1),
  links: z.array(link.extend({ jitterMs: amount.exactOptional() })),
  rateAsked: name,
  rowsPerSecond: maybeAmount,
  measuredSeconds: amount,
  durability: z.string(),
  fdatasyncP50Ms: maybeAmount,
  conflictBasis: z.enum(['exact', 'probed', 'ordered', 'estimated', 'unknown']),
  takesTurns: z.literal(true).exactOptional(),
  reportedMeaning: z.string().exactOptional(),
  planted: z.array(planted.extend({ found: z.looseObject(figure) })).exactOptional(),
  notes: sentences,
  metrics: z.array(metric),
  audit: z.array(auditLine),
  faults: z.array(fault).exactOptional(),
  verdict: z.looseObject({
    status: z.enum(['valid', 'invalid']),
    reasons: sentences,
    warnings: sentences,
    broken: sentences,
  }),
}) satisfies z.ZodType<RunAnalysis>
