// A pipeline from one DC to another: replays the source's changes for as long as it lives, whatever restarts around it.
import type { Address } from '../../bench/contract/driver.ts'
import type { Access } from '../../bench/contract/external.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { delay } from '../../bench/lib/clock.ts'
import { log } from '../../bench/lib/service-process.ts'
import { codeOf } from './connect.ts'
import type { PipelineCounters } from './pipeline-counters.ts'
import { Replay } from './replay.ts'
import type { SqlTable } from './sql-table.ts'

/** The pipeline's configuration file. It holds secrets. */
export interface PipelineConfig {
  readonly source: Dc
  readonly receiver: Dc
  /** The source's server as reached through the link. */
  readonly sourceAddress: Address
  readonly receiverAddress: Address
  readonly controlAddress: Address
  readonly table: SqlTable
  readonly appliers: number
  readonly applyRows: number
  readonly applySynchronousCommit: string
  readonly secret: string
  /** Of servers that are not ours. */
  readonly sourceAccess?: Access | undefined
  readonly receiverAccess?: Access | undefined
}

const BACKOFF_FIRST_MS = 50
const BACKOFF_MAX_MS = 1000

/** Trouble that no second attempt cures: a stream we cannot read, a missing slot, table or origin, a wrong password. */
function incurable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof BenchError && (cause.code === 'FORMAT' || cause.code === 'BUG')) return true
    if (/^(42|28)/.test(codeOf(cause))) return true
  }
  return false
}

/**
 * Runs until `signal` is aborted; `ready` is called whenever rows begin to flow. Rejects only for trouble that no
 * reconnecting can cure.
 */
export async function runPipeline(
  config: PipelineConfig,
  counters: PipelineCounters,
  ready: () => void,
  signal: AbortSignal,
): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  let backoffMs = BACKOFF_FIRST_MS
  for (;;) {
    const replay = new Replay(config, counters)
    try {
      await replay.start()
      backoffMs = BACKOFF_FIRST_MS
      ready()
      await Promise.race([replay.failed(), aborted])
    } catch (error) {
      if (incurable(error)) throw error
      log(`reconnecting in ${backoffMs} ms: ${messageOf(error)}`)
    } finally {
      await replay.close()
    }
    if (signal.aborted) return
    counters.reconnects++
    await Promise.race([delay(backoffMs), aborted])
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS)
  }
}
