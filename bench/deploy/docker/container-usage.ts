// What a container's processes use: read from the system where this machine shows them, so that it means what it means of a
// local service, else from the engine's own counters.
import { readFileSync } from 'node:fs'
import { readingOf, type Reading } from '../usage-meter.ts'
import type { DockerContainer } from './engine.ts'

/** The engine's answer, as far as it is used: control groups of version 1 and 2 name memory differently. */
interface Stats {
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number } }
  readonly memory_stats: { readonly stats?: Readonly<Record<string, number>> }
  readonly blkio_stats: { readonly io_service_bytes_recursive?: readonly StatsEntry[] | null }
}

interface StatsEntry {
  readonly op: string
  readonly value: number
}

/** The id of a container's first process on this machine; null where the engine's processes cannot be seen from here. */
export async function visibleLeader(container: DockerContainer): Promise<number | null> {
  const { State } = await container.inspect()
  try {
    // Another machine's process of that number, or one of the engine's virtual machine, is none of ours.
    return readFileSync(`/proc/${State.Pid}/cgroup`, 'latin1').includes(container.id) ? State.Pid : null
  } catch {
    return null
  }
}

/** All that the container has used since it was last started; undefined when it has ended. */
export async function containerReading(
  container: DockerContainer,
  leader: number | null,
): Promise<Reading | undefined> {
  const seen = leader === null ? undefined : readingOf(leader)
  if (leader !== null && (seen === undefined || seen.storageWriteBytes !== null)) return seen
  const counted = readingIn((await container.stats({ stream: false, 'one-shot': true })) as unknown as Stats)
  if (seen === undefined) return counted
  // Only root sees what storage the processes of others use.
  const { storageWriteBytes, storageReadBytes } = counted
  return { ...seen, storageWriteBytes, storageReadBytes }
}

/** What the engine counted: memory is what is mapped privately and of files, and bytes are those that reached a block device. */
export function readingIn({ cpu_stats, memory_stats, blkio_stats }: Stats): Reading {
  const memory = memory_stats.stats ?? {}
  const bytes = blkio_stats.io_service_bytes_recursive ?? []
  // Version 1 lists nothing where it does not count; version 2, which alone knows `anon`, where nothing was done yet.
  const counts = bytes.length > 0 || 'anon' in memory
  const total = (operation: string) =>
    !counts ? null : bytes.filter(({ op }) => op.toLowerCase() === operation).reduce((sum, { value }) => sum + value, 0)
  return {
    cpuSeconds: cpu_stats.cpu_usage.total_usage / 1e9,
    residentBytes: (memory.anon ?? memory.total_rss ?? 0) + (memory.file_mapped ?? memory.total_mapped_file ?? 0),
    storageWriteBytes: total('write'),
    storageReadBytes: total('read'),
  }
}
