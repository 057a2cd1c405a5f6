// Who made a data folder or a container: a process that can be told from a later one with the same number.
import { readlinkSync } from 'node:fs'
import { startMark } from './process-table.ts'

interface Owner {
  readonly pid: number
  readonly startMark: string
  /** What the number means: processes of another container that shares the folder or the engine are not ours. */
  readonly namespace: string
}

/** This process. */
export function thisOwner(): Owner {
  return { pid: process.pid, startMark: startMark(process.pid) ?? '', namespace: pidNamespace() }
}

/** Whether the owner that `text` names is gone; what names none belongs to nobody. */
export function isAbandoned(text: string | undefined): boolean {
  try {
    const owner = JSON.parse(text ?? '') as Owner
    // Another container's processes cannot be seen from here, nor can it be told whether they live.
    if (owner.namespace !== pidNamespace()) return false
    return startMark(owner.pid) !== owner.startMark
  } catch {
    return true
  }
}

/** Empty where the system has none. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
