// The lock of a run in a database of a server that is not ours: held by a connection that does nothing else, so that it lasts for as
// long as the run, whatever becomes of the others.
import type { Client } from 'pg'
import { BenchError } from '../../bench/contract/errors.ts'
import { delay } from '../../bench/lib/clock.ts'
import { connect, disconnect, type Connecting } from './connect.ts'

/** “geow”, as a number: who holds this advisory lock of a database runs there. */
const LOCK = 0x67656f77
const LOCKED_WITHIN_MS = 2000
const LOOK_EVERY_MS = 50

/** What the connections are called that hold locks. */
export const LOCK_APPLICATION = 'geowrite-lock'
/** Nothing is said on it for as long as the run lasts: neither the server nor what is between may take it for forgotten. */
const STAY = `SELECT set_config(name, CASE name WHEN 'tcp_keepalives_idle' THEN '30' ELSE '0' END, false)
  FROM pg_settings WHERE name IN ('tcp_keepalives_idle', 'idle_session_timeout')`

type Reach = Pick<Connecting, 'address' | 'secret' | 'access' | 'patienceMs' | 'attemptMs'>

async function isLocked(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS locked`)
  return rows[0].locked
}

/** The right to be in the database of one DC. */
export class Lock {
  readonly #dc: string
  #client: Client | undefined
  #isLost = false

  constructor(dc: string) {
    this.#dc = dc
  }

  /**
   * Takes it, unless it is held. Waits a little: the connection of a run that has just ended may still be going. Throws SERVERS when
   * another run holds it.
   */
  async take(reach: Reach, signal?: AbortSignal): Promise<void> {
    if (this.#client !== undefined) return
    const client = await connect({ ...reach, application: LOCK_APPLICATION }, signal)
    this.#client = client
    client.on('end', () => {
      if (this.#client !== client) return
      this.#client = undefined
      this.#isLost = true
    })
    const giveUpAtMs = performance.now() + LOCKED_WITHIN_MS
    try {
      await client.query(STAY)
      while (!(await isLocked(client))) {
        if (performance.now() > giveUpAtMs) {
          throw new BenchError(
            'SERVERS',
            `Another run of geowrite is in this database of ${this.#dc}: wait until it has ended, or name another database.`,
          )
        }
        await delay(LOOK_EVERY_MS, signal)
      }
    } catch (error) {
      await this.release()
      throw error
    }
  }

  /** Throws SERVERS when it was taken and its connection has ended: from then on another run may be there. */
  check(): void {
    if (!this.#isLost) return
    throw new BenchError(
      'SERVERS',
      `The connection that kept other runs out of the database of ${this.#dc} has ended: see in its server's log why, and run again.`,
    )
  }

  async release(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    if (client !== undefined) await disconnect(client)
  }
}
