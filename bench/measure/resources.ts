// What the machine is, what the harness itself uses of it, and whether others were in the way.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { RunFacts } from '../contract/run-folder.ts'
import { nowUs } from '../lib/clock.ts'

/** What the machine is. */
export function machine(): Omit<RunFacts['machine'], 'geowrite'> {
  return {
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  }
}

/** CPU seconds of the harness with all its threads since it started, and its memory now. */
export function harnessUsage(): { readonly cpuSeconds: number; readonly residentBytes: number } {
  const { user, system } = process.cpuUsage()
  return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() }
}

/** Cumulative counters of how much work had to wait for a processor; null where the system keeps none. */
interface Reading {
  readonly atUs: number
  readonly cpuSomeUs: number | null
  readonly stealTicks: number | null
  readonly totalTicks: number | null
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function reading(): Reading {
  const some = /^some .*total=(\d+)/m.exec(textOf('/proc/pressure/cpu'))
  // user nice system idle iowait irq softirq steal; the guests' times that follow are part of user and nice
  const ticks = /^cpu +(.*)$/m.exec(textOf('/proc/stat'))?.[1].split(' ').slice(0, 8).map(Number)
  return {
    atUs: nowUs(),
    cpuSomeUs: some === null ? null : Number(some[1]),
    stealTicks: ticks?.[7] ?? null,
    totalTicks: ticks?.reduce((sum, part) => sum + part, 0) ?? null,
  }
}

/** How crowded the processors were from when this was made until `end`. */
export class Pressure {
  readonly #before = reading()

  /**
   * `cpuSomeShare`: share of time in which some task waited for a processor. `stealShare`: share of processor time that
   * the host of a virtual machine gave to others. 0 … 1, null where the system does not say.
   */
  end(): RunFacts['pressure'] {
    const before = this.#before
    const after = reading()
    const share = (part: 'cpuSomeUs' | 'stealTicks', of: 'atUs' | 'totalTicks') => {
      const values = [before[part], after[part], before[of], after[of]]
      if (values.includes(null)) return null
      const [partBefore, partAfter, ofBefore, ofAfter] = values as number[]
      return ofAfter > ofBefore ? (partAfter - partBefore) / (ofAfter - ofBefore) : 0
    }
    return { cpuSomeShare: share('cpuSomeUs', 'atUs'), stealShare: share('stealTicks', 'totalTicks') }
  }
}
