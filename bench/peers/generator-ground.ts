// What all gauges of the generator share: no store, so that only the client works.
import type { SystemOptions } from './deployed.ts'

/** The workload that a run takes by default, its hot keys included; the driver acknowledges at once. */
export const noStore = (mode: string): SystemOptions => ({ workload: 'profiles', driver: 'noop', mode })
