// A lock between processes: a file that names its holder. One that died holding it does not hold it for ever.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delay } from '../lib/clock.ts'
import { startMark } from './process-table.ts'

const LOOK_EVERY_MS = 200
/** Another process that found the same dead holder may be taking the lock at the same moment. */
const SETTLE_MS = 50
/** A file without a name for so long was left by a process that died while it wrote. */
const NAMELESS_MS = 5000

/** Waits until nobody else holds the lock at `path`, and holds it until it is disposed. `onWait` is called once if it has to wait. */
export async function lockFile(path: string, signal: AbortSignal, onWait: () => void): Promise<Disposable> {
  const own = JSON.stringify({ pid: process.pid, mark: startMark(process.pid) })
  let told = false
  for (;;) {
    signal.throwIfAborted()
    if (create(path, own)) {
      await delay(SETTLE_MS)
      if (read(path) !== own) continue
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
    }
    if (isAbandoned(path)) {
      rmSync(path, { force: true })
      continue
    }
    if (!told) onWait()
    told = true
    await delay(LOOK_EVERY_MS, signal)
  }
}

function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isAbandoned(path: string): boolean {
  const content = read(path)
  if (content === undefined) return false
  try {
    const { pid, mark } = JSON.parse(content) as { readonly pid: number; readonly mark?: string }
    return startMark(pid) !== mark
  } catch {
    return Date.now() - statSync(path).mtimeMs > NAMELESS_MS
  }
}
