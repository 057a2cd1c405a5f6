// The CPU time that a run has used so far, on either side of the wire.
import { harnessUsage } from '../measure/resources.ts'
import type { House } from './house.ts'

/** CPU-seconds of the harness and of everything that it deployed; null where some servers are not ours to measure. */
export async function spentCpuSeconds(house: House): Promise<number | null> {
  const usages = await house.usage()
  return usages.reduce<number | null>(
    (sum, { cpuSeconds }) => (sum === null || cpuSeconds === null ? null : sum + cpuSeconds),
    harnessUsage().cpuSeconds,
  )
}
