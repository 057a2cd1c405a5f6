// Whether this machine has room for what an estimate says: free space of the folders' file systems, and available memory.
import { existsSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { BenchError } from './contract/errors.ts'
import type { Scenario } from './contract/scenario.ts'
import { bytesIn, type Estimate } from './estimate-parts.ts'

interface Place {
  /** The folder as the user knows it. */
  readonly folder: string
  readonly option: '--data' | '--out'
  readonly freeBytes: number
  /** Equal for folders of one file system. */
  readonly device: number
}

export interface Room {
  readonly data: Place
  readonly out: Place
  readonly memoryBytes: number
}

function placeOf(folder: string, option: Place['option']): Place {
  let there = resolve(folder)
  while (!existsSync(there)) there = dirname(there)
  const { bavail, bsize } = statfsSync(there)
  return { folder, option, freeBytes: bavail * bsize, device: statSync(there).dev }
}

export function roomFor({ data, out }: Scenario): Room {
  return {
    data: placeOf(data ?? tmpdir(), '--data'),
    out: placeOf(out, '--out'),
    memoryBytes: process.availableMemory(),
  }
}

/** Bytes as people read them. */
export function bytesText(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(bytes >= 10 * size ? 0 : 1)} ${unit}`
  }
  return `${Math.ceil(bytes / 1e3)} kB`
}

interface Demand {
  readonly what: string
  readonly needs: { readonly sure: number; readonly most: number }
  readonly freeBytes: number
  readonly remedy: string
}

function demandsOn(estimate: Estimate, { data, out, memoryBytes }: Room): Demand[] {
  const disk = ({ folder, option, freeBytes }: Place, ...places: readonly ('data' | 'out')[]): Demand => ({
    what: `of disk in ${folder}`,
    needs: bytesIn(estimate, ...places),
    freeBytes,
    remedy: `fewer --rows, fewer systems at a time, or another folder with ${option}`,
  })
  const memory: Demand = {
    what: 'of memory',
    needs: bytesIn(estimate, 'memory'),
    freeBytes: memoryBytes,
    remedy: 'fewer --dcs, fewer systems at a time, or smaller caches with --set',
  }
  const disks = data.device === out.device ? [disk(data, 'data', 'out')] : [disk(data, 'data'), disk(out, 'out')]
  return [...disks, memory]
}

/** Throws ROOM when the run cannot fit, whatever its rate turns out to be. */
export function refuseWhatCannotFit(estimate: Estimate, room: Room): void {
  for (const { what, needs, freeBytes, remedy } of demandsOn(estimate, room)) {
    if (needs.sure <= freeBytes) continue
    throw new BenchError(
      'ROOM',
      `This run needs about ${bytesText(needs.sure)} ${what}, where ${bytesText(freeBytes)} are free: choose ${remedy}.`,
    )
  }
}

/** Sentences on what may not fit, depending on the rate. */
export function doubtsOn(estimate: Estimate, room: Room): string[] {
  return demandsOn(estimate, room)
    .filter(({ needs, freeBytes }) => needs.sure <= freeBytes && needs.most > freeBytes)
    .map(
      ({ what, needs, freeBytes }) =>
        `At the highest rate thinkable it would take ${bytesText(needs.most)} ${what}, where ${bytesText(freeBytes)} are free.`,
    )
}
