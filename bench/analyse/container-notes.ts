// What a reader of a run has to know of its stores when they were containers.
import type { RunFacts } from '../contract/run-folder.ts'

const MIB_BYTES = 1024 ** 2

/** A store that may not use all that there is answers for what it was given, and images change what is measured. */
export function containerNotes({ containers }: Pick<RunFacts, 'containers'>): string[] {
  if (containers === undefined) return []
  const { engine, images, cpus, memoryBytes } = containers
  const limits = [
    ...(cpus === null ? [] : [`${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}`]),
    ...(memoryBytes === null ? [] : [`${Math.round(memoryBytes / MIB_BYTES).toLocaleString('en-US')} MiB of memory`]),
  ]
  const ran = images.map(({ reference, id }) => `${reference} (${id.replace('sha256:', '').slice(0, 12)})`).join(', ')
  const limited =
    limits.length === 0 ? '' : ` Each store and each replication service had at most ${limits.join(' and ')}.`
  return [`Services ran as containers of engine ${engine}: ${ran}.${limited}`]
}
