// What run.json must be to be analysed: a folder that was cut off, mended by hand or hit by a bad disk is refused in one sentence.
// Keys that are not known stay: newer versions may write more.
import { z } from 'zod'
import { FAULT_KINDS } from '../contract/fault.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { amount, count, maybeAmount, maybeNumber, name, pair, timeUs } from './schema-parts.ts'
import { scenario, system } from './system-schema.ts'

const worker = z.looseObject({
  dc: name,
  worker: count,
  phase: name,
  offered: amount,
  dropped: amount,
  slipP50Ms: maybeNumber,
  slipP99Ms: maybeNumber,
  slipMaxMs: maybeNumber,
  eventLoopP99Ms: z.number(),
  eventLoopMaxMs: z.number(),
  utilisation: z.number(),
  errors: z.record(name, count),
})

const mark = z.looseObject({
  name: z.enum(['measure-start', 'measure-end', 'converged', 'flushed']),
  atUs: timeUs,
  deviceWriteBytes: maybeAmount,
  links: z.array(z.looseObject({ ...pair, payloadBytes: amount })),
  services: z.array(
    z.looseObject({
      service: name,
      dc: name,
      role: name,
      cpuSeconds: maybeAmount,
      storageWriteBytes: maybeAmount,
      residentMaxBytes: maybeAmount,
    }),
  ),
})

const fault = z.looseObject({
  name,
  kind: z.enum(FAULT_KINDS),
  dcs: z.array(name),
  links: z.array(z.looseObject(pair)),
  services: z.array(name),
  startUs: timeUs,
  mendUs: timeUs,
  endUs: timeUs,
})

const warmUpStretch = z.looseObject({
  phase: z.enum(['calibrate', 'warmup']),
  steady: z.boolean(),
  fall: maybeNumber,
  windows: z.array(
    z.looseObject({
      seconds: amount,
      rowsPerSecond: amount,
      cpuUsPerRow: maybeAmount,
      serviceP50Ms: z.array(maybeAmount),
    }),
  ),
})

const divergent = z.looseObject({
  total: count,
  rows: z.array(
    z.looseObject({
      key: z.number(),
      dcs: z.array(z.looseObject({ dc: name, dot: amount, version: amount, whole: z.boolean() })).min(1),
    }),
  ),
})

const convergence = z.looseObject({
  lastOutcomeUs: timeUs,
  checks: z.array(
    z.looseObject({
      dcs: z.array(z.looseObject({ dc: name, startedUs: timeUs, endedUs: timeUs })),
      equal: z.boolean(),
    }),
  ),
  timedOut: z.boolean(),
  restedApart: z.boolean().exactOptional(),
  wholeTableEqual: z.nullable(z.boolean()),
  readBacks: count.exactOptional(),
  startedEqual: z.nullable(z.boolean()),
})

export const planted = z.looseObject({ name, meaning: z.string(), rows: count, standing: count, metric: name })

/** The facts of run.json; `analysis` and `verdict` are looked at where they are used. */
export const factsSchema = z.looseObject({
  format: z.literal(1),
  index: count,
  repeat: count,
  system,
  scenario,
  epoch: z.looseObject({ wallMs: amount, monotonicUs: z.number(), clock: z.literal('CLOCK_MONOTONIC, one host') }),
  machine: z.looseObject({
    platform: name,
    kernel: name,
    cpu: name,
    cores: count,
    memoryBytes: amount,
    node: name,
    geowrite: name,
  }),
  ground: z.looseObject({
    folder: z.string(),
    fileSystem: name,
    fdatasyncP50Ms: maybeAmount,
    fdatasyncP99Ms: maybeAmount,
    countsWrites: z.boolean(),
  }),
  phases: z.array(z.looseObject({ name, startUs: timeUs, endUs: timeUs })),
  calibration: z.nullable(
    z.looseObject({ acknowledgedPerSecond: amount, visiblePerSecond: amount, rowsPerSecond: amount }),
  ),
  loading: z.looseObject({ seconds: amount, how: z.string() }),
  warmUp: z.array(warmUpStretch).exactOptional(),
  workers: z.array(worker),
  probers: z.array(z.looseObject({ dc: name, asked: count, dropped: count, readErrors: count, reads: count })),
  links: z.looseObject({
    before: z.array(
      z.looseObject({ ...pair, nominalRttMs: maybeAmount, samples: count, p50Ms: amount, p99Ms: amount }),
    ),
  }),
  marks: z.array(mark),
  faults: z.array(fault).exactOptional(),
  convergence,
  divergent,
  counters: z.nullable(
    z.looseObject({
      conflictsReported: z.nullable(z.looseObject({ count: z.number(), meaning: z.string() })),
      own: z.record(name, z.number()),
      planted: z.array(planted).exactOptional(),
    }),
  ),
  pressure: z.looseObject({ cpuSomeShare: maybeNumber, stealShare: maybeNumber }),
  ledgerDropped: z.boolean(),
  containers: z
    .looseObject({
      engine: name,
      images: z.array(z.looseObject({ name, reference: name, id: name })),
      cpus: maybeAmount,
      memoryBytes: maybeAmount,
    })
    .exactOptional(),
}) satisfies z.ZodType<RunFacts>
