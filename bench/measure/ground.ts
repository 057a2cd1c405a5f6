// The ground that every store stands on: how long this disk takes to make a small append durable. A write rate means
// nothing without it.
import { open, readFile, realpath, unlink } from 'node:fs/promises'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { nowUs } from '../lib/clock.ts'

const APPENDS = 200
const APPEND_BYTES = 4096
const TIME_US = 2_000_000
/** A disk slower than the time allows still gets a median. */
const APPENDS_MIN = 5

/** Of a disk that is on this machine. */
type MeasuredGround = RunFacts['ground'] & { readonly fdatasyncP50Ms: number; readonly fdatasyncP99Ms: number }

/**
 * Appends 4 KiB and calls fdatasync 200 times, or for 2 s, in a file of its own in `folder`. Whether the system counts
 * storage writes is seen from what it counted for these. Throws DATA_FOLDER when the folder cannot be written.
 */
export async function measureGround(folder: string): Promise<MeasuredGround> {
  const path = join(folder, `ground-${process.pid}`)
  const durationsMs: number[] = []
  const countedBefore = await writtenBytes()
  try {
    await using file = await open(path, 'wx', 0o600)
    const bytes = Buffer.alloc(APPEND_BYTES, 'geowrite')
    const untilUs = nowUs() + TIME_US
    while (durationsMs.length < APPENDS && (nowUs() < untilUs || durationsMs.length < APPENDS_MIN)) {
      const startUs = nowUs()
      await file.write(bytes)
      await file.datasync()
      durationsMs.push((nowUs() - startUs) / 1000)
    }
    await unlink(path)
  } catch (error) {
    throw new BenchError(
      'DATA_FOLDER',
      `The disk under ${folder} cannot be measured (${messageOf(error)}): choose a folder that can be written.`,
      { cause: error },
    )
  }
  const countedAfter = await writtenBytes()
  durationsMs.sort((a, b) => a - b)
  const at = (share: number) => durationsMs[Math.floor(durationsMs.length * share)]
  return {
    folder,
    fileSystem: await fileSystemOf(folder),
    fdatasyncP50Ms: at(0.5),
    fdatasyncP99Ms: at(0.99),
    countsWrites:
      countedBefore !== null &&
      countedAfter !== null &&
      countedAfter - countedBefore >= durationsMs.length * APPEND_BYTES,
  }
}

/** What is said where the stores are on other machines: `folder` is of what runs beside the harness. */
export function noGround(folder: string): RunFacts['ground'] {
  return { folder, fileSystem: '', fdatasyncP50Ms: null, fdatasyncP99Ms: null, countsWrites: false }
}

/** Bytes that this process sent to storage by the system's count; null where it keeps none. */
async function writtenBytes(): Promise<number | null> {
  try {
    const match = /^write_bytes: (\d+)$/m.exec(await readFile('/proc/self/io', 'latin1'))
    return match === null ? null : Number(match[1])
  } catch {
    return null
  }
}

/** The name of the file system under a folder, such as `ext4`; `n/a` where the system does not list its mounts. */
export async function fileSystemOf(folder: string): Promise<string> {
  let mounts
  try {
    mounts = await readFile('/proc/self/mountinfo', 'utf8')
  } catch {
    return 'n/a'
  }
  return fileSystemIn(mounts, await realpath(folder))
}

/** Finds the file system of a resolved path in the text of /proc/self/mountinfo: of the longest mount point above it the last. */
export function fileSystemIn(mountinfo: string, path: string): string {
  let name = 'n/a'
  let longest = 0
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    if (after === undefined) continue
    const point = before
      .split(' ')[4]
      .replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    const isAbove = path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`)
    if (!isAbove || point.length < longest) continue
    longest = point.length
    name = after.split(' ')[0]
  }
  return name
}

const SECTOR_BYTES = 512

/** Bytes written so far to the block device under a folder, whoever wrote them; null where there is none or it is not counted. */
export function deviceWrittenBytes(folder: string): number | null {
  try {
    const { dev } = statSync(folder)
    // The encoding of a device number in Linux (include/linux/kdev_t.h, new_encode_dev).
    const major = (dev >> 8) & 0xfff
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
    // The seventh field is sectors written (Documentation/block/stat.rst); a sector there is 512 bytes whatever the disk has.
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'latin1').trim().split(/\s+/)
    return Number(fields[6]) * SECTOR_BYTES
  } catch {
    return null
  }
}
