// What a row costs the stores in CPU time over the measured phase: counters sampled each second, brought onto the slices.
import { RUN_FILES } from '../contract/run-folder.ts'
import type { RunData } from './load.ts'
import { readCsv } from './raw-csv.ts'
import type { Slices } from './slices.ts'

/** CPU of all stores and replication services by the time of each sample, in s since the epoch; none where nobody counts it. */
function samplesOf(run: RunData): { readonly atSeconds: number; readonly cpuSeconds: number }[] {
  const byTime = new Map<number, number>()
  for (const { at_s: at, role, cpu_s: cpu } of readCsv(run, RUN_FILES.resources)) {
    if (role !== 'store' && role !== 'replication') continue
    if (cpu === '') return []
    // A server that is not ours to measure has none: then nothing is known of them all.
    byTime.set(Number(at), (byTime.get(Number(at)) ?? 0) + (cpu === '' ? Number.NaN : Number(cpu)))
  }
  return [...byTime]
    .map(([atSeconds, cpuSeconds]) => ({ atSeconds, cpuSeconds }))
    .sort((a, b) => a.atSeconds - b.atSeconds)
}

/** µs a row acknowledged in each slice, linear between samples; NaN outside of them and where no row was. */
export function cpuPerRowBySlice(run: RunData, slices: Slices, acknowledged: Float64Array): number[] {
  const samples = samplesOf(run)
  const cpuAt = (us: number): number => {
    const seconds = us / 1e6
    const next = samples.findIndex(({ atSeconds }) => atSeconds >= seconds)
    if (next < 1) return Number.NaN
    const [before, after] = [samples[next - 1], samples[next]]
    const share = (seconds - before.atSeconds) / (after.atSeconds - before.atSeconds)
    return before.cpuSeconds + share * (after.cpuSeconds - before.cpuSeconds)
  }
  return Array.from({ length: slices.count }, (_, slice) => {
    const startUs = slices.startUs + slice * slices.widthUs
    const cpuSeconds = cpuAt(startUs + slices.widthUs) - cpuAt(startUs)
    return acknowledged[slice] > 0 ? (cpuSeconds * 1e6) / acknowledged[slice] : Number.NaN
  })
}
