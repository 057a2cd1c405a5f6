// Opening connections: patient while a server starts or recovers, bounded, and never with a secret in an error.
import { createHash } from 'node:crypto'
import { Client, type ClientConfig } from 'pg'
import type { Address } from '../../bench/contract/driver.ts'
import { messageOf } from '../../bench/contract/errors.ts'
import type { Access } from '../../bench/contract/external.ts'
import { delay } from '../../bench/lib/clock.ts'
import { loginOf, refusedBy } from './login.ts'
import { readingSocket } from './reading-socket.ts'

export interface Connecting {
  readonly address: Address
  readonly secret: string
  /** Of a server that is not ours; absent: the secret opens it. */
  readonly access?: Access | undefined
  /** What the server's log and views call this connection. */
  readonly application: string
  /** Server settings for the session, by name. */
  readonly session?: Readonly<Record<string, string>>
  /** Open it for logical replication, where START_REPLICATION is understood. */
  readonly replication?: boolean
  /** Statements are sent without waiting for the answers to those before. */
  readonly pipeline?: boolean
  /** How long to go on trying while the server starts, ends or cannot be reached; 0 means one attempt. */
  readonly patienceMs: number
  /** How long one attempt may take. */
  readonly attemptMs: number
}

const RETRY_MS = 50
/** The server is starting or stopping, or has no connection left; or nobody listens yet. */
const PASSING = new Set(['57P03', '57P01', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE'])

/** The SQLSTATE or errno of what was thrown, or an empty text. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/**
 * What the server calls the connection. On one that is not ours its end says whose run it is, so that a run can tell its own
 * connections from another's; a secret is random, and a few digits of its digest give nothing of it away.
 */
export function applicationOf({
  application,
  access,
  secret,
}: Pick<Connecting, 'application' | 'access' | 'secret'>): string {
  if (access === undefined) return application
  // The server cuts names at 63 bytes.
  return `${application.slice(0, 48)}-${createHash('sha256').update(secret).digest('hex').slice(0, 12)}`
}

/** Opens a connection. Rejects with STORE when the server refuses it or does not answer in time. */
export async function connect(how: Connecting, signal?: AbortSignal): Promise<Client> {
  const { address, session = {} } = how
  const login = loginOf(how)
  const config: ClientConfig & { replication?: string } = {
    host: address.host,
    port: address.port,
    ...login,
    application_name: applicationOf(how),
    options: Object.entries(session)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: Math.max(1, how.attemptMs),
    pipeline: how.pipeline === true,
    ...(how.replication === true ? { replication: 'database' } : {}),
    // What an encrypted connection reads is its own affair.
    ...(how.replication === true && login.ssl === false ? { stream: readingSocket } : {}),
  }
  const giveUpAtMs = performance.now() + how.patienceMs
  for (;;) {
    signal?.throwIfAborted()
    const client = new Client(config)
    // A connection that dies between two statements is found out by the next one; the event must not end the process.
    client.on('error', () => {})
    // A server that stands still answers nothing: giving up must not wait for it.
    const giveUp = () => client.connection.stream.destroy()
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      await client.connect()
      return client
    } catch (error) {
      client.connection.stream.destroy()
      const passing = PASSING.has(codeOf(error)) || /timeout expired|terminated unexpectedly/.test(messageOf(error))
      if (!passing || performance.now() + RETRY_MS > giveUpAtMs) {
        throw refusedBy(how, error)
      }
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
    await delay(RETRY_MS, signal)
  }
}

/** Ends a connection politely within a second, else by force. Never rejects. */
export async function disconnect(client: Client): Promise<void> {
  const force = setTimeout(() => client.connection.stream.destroy(), 1000)
  try {
    await client.end()
  } catch {
    client.connection.stream.destroy()
  } finally {
    clearTimeout(force)
  }
}
