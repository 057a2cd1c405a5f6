// Every bound of the self-audit, as a number in one table. docs/measures.md shows the same table and a test compares them.
// The bounds are chosen so that a calm run on a small machine, all of whose cores are in use, is valid.

interface AuditBound {
  readonly name: string
  readonly unit: string
  /** The largest value allowed. */
  readonly bound: number
  readonly makes: 'invalid' | 'warning'
  /** A steadiness bound: only a warning in a quick run. */
  readonly steadiness: boolean
  /** Not judged in closed loop, where there is no schedule to keep and the lag has no limit. */
  readonly openLoopOnly: boolean
  readonly why: string
}

const invalid = { makes: 'invalid', steadiness: false, openLoopOnly: false } as const
const warning = { ...invalid, makes: 'warning' } as const
const steady = { makes: 'invalid', steadiness: true, openLoopOnly: true } as const

export const AUDIT_BOUNDS = {
  slip: {
    ...invalid,
    openLoopOnly: true,
    name: 'schedule slip p99',
    unit: 'ms',
    bound: 50,
    why: 'the client itself sent late, so that response times tell of the client',
  },
  slipShare: {
    ...warning,
    openLoopOnly: true,
    name: 'schedule slip p99 ÷ response p99',
    unit: 'ratio',
    bound: 0.5,
    why: 'much of the tail of the response times is the client’s own lateness, for want of a core',
  },
  eventLoop: {
    ...invalid,
    name: 'event-loop delay p99',
    unit: 'ms',
    bound: 50,
    why: 'a generator thread stood still, so that its times are not the store’s',
  },
  utilisation: {
    ...invalid,
    openLoopOnly: true,
    name: 'generator utilisation',
    unit: 'ratio',
    bound: 0.9,
    why: 'a generator thread had no room left, so that the client may be what is measured',
  },
  dropped: {
    ...invalid,
    openLoopOnly: true,
    name: 'dropped arrivals',
    unit: 'ratio',
    bound: 0.001,
    why: 'rows of the schedule were given up: the system cannot take the offered rate',
  },
  shortfall: {
    ...invalid,
    openLoopOnly: true,
    name: 'offered but not acknowledged in time',
    unit: 'ratio',
    bound: 0.05,
    why: 'the system did not keep up with the offered rate: offer less',
  },
  unknown: {
    ...invalid,
    name: 'unknown outcomes',
    unit: 'ratio',
    bound: 0.01,
    why: 'too many writes may or may not have happened for losses and conflicts to be told',
  },
  rttDrift: {
    ...invalid,
    name: 'link RTT p50 off nominal',
    unit: 'ms',
    bound: 2.5,
    why: 'the WAN was not the one asked for',
  },
  rttTail: {
    ...warning,
    name: 'link RTT p99 above nominal',
    unit: 'ms',
    bound: 25,
    why: 'the machine delayed the WAN now and then, which lengthens the lag’s tail',
  },
  distance: {
    ...invalid,
    openLoopOnly: true,
    name: 'harness’s distance ÷ lag p50',
    unit: 'ratio',
    bound: 1,
    why: 'the harness is so far from the DCs that the lag may be all its own: run it nearer to them',
  },
  distanceShare: {
    ...warning,
    openLoopOnly: true,
    name: 'harness’s distance as a part of the lag p50',
    unit: 'ratio',
    bound: 0.1,
    why: 'the lag is known to no more than the harness’s distance from the DCs',
  },
  unanswered: {
    ...invalid,
    openLoopOnly: true,
    name: 'probes without an answer',
    unit: 'ratio',
    bound: 0.1,
    why: 'too many probed writes were never seen for the lag’s percentiles to stand',
  },
  thinSeconds: {
    ...warning,
    openLoopOnly: true,
    name: 'seconds × links with fewer than 5 clean probes',
    unit: 'ratio',
    bound: 0.2,
    why: 'conflict bounds there lean on the lags of neighbouring seconds',
  },
  pressure: {
    ...warning,
    name: 'CPU pressure',
    unit: 'ratio',
    bound: 0.8,
    why: 'something waited for a core most of the time: lags and response times hold for this machine only',
  },
  steal: {
    ...invalid,
    name: 'CPU stolen by the host',
    unit: 'ratio',
    bound: 0.05,
    why: 'the machine was not this run’s alone',
  },
  warmUpFall: {
    ...warning,
    name: 'fall of a row’s cost as the warm-up ended',
    unit: 'ratio',
    bound: 0.05,
    why: 'its time was over before the system was steady: give --warmup a longer time',
  },
  cpuFall: {
    ...warning,
    name: 'fall of the stores’ CPU time a row',
    unit: 'ratio',
    bound: 0.15,
    why: 'the stores were still getting faster: warm up longer (--warmup=steady)',
  },
  rateTrend: {
    ...steady,
    name: 'trend of the acknowledged rate',
    unit: 'ratio',
    bound: 0.1,
    why: 'the rate was not steady: warm up longer or offer less',
  },
  lagTrend: {
    ...steady,
    name: 'trend of the lag p50',
    unit: 'ratio',
    bound: 0.25,
    why: 'replication fell behind or caught up all the while: there is no one lag to state',
  },
  responseTrend: {
    ...steady,
    name: 'trend of the response p50',
    unit: 'ratio',
    bound: 0.5,
    why: 'response times were not steady: warm up longer or offer less',
  },
  backlogTrend: {
    ...steady,
    name: 'growth of the replication backlog',
    unit: 's of writes',
    bound: 1,
    why: 'what is still to replicate grew: the rate is above what replication sustains',
  },
} as const satisfies Record<string, AuditBound>

export type AuditName = keyof typeof AUDIT_BOUNDS

/** A slip up to this is no share of the response times worth a word, in ms. */
export const SLIP_FLOOR_MS = 5

/** A trend counts only where chance explains it in fewer than 1 of 100 steady series, */
export const TREND_Z = 2.58
/** and where it is no mere fraction of a small time. */
export const TREND_FLOOR_MS = 5
/** or of a core. */
export const CPU_FLOOR_CORES = 0.05
/** Measured and predicted conflict shares may differ by this part beyond their bounds and sampling error. */
export const PREDICTION_TOLERANCE = 0.1
