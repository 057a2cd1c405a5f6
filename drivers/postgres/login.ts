// Who logs in to a server and how the connection is encrypted: as the superuser of a server of ours, or as the user says.
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { ClientConfig } from 'pg'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'
import type { Access } from '../../bench/contract/external.ts'
import { codeOf, type Connecting } from './connect.ts'
import { DATABASE, ROLE } from './names.ts'

function tlsOptions({ tls }: Access): ConnectionOptions | false {
  if (tls === null) return false
  const { ca, servername } = tls
  return {
    rejectUnauthorized: tls.verify,
    ...(ca === undefined ? {} : { ca }),
    // The client library puts the host where the name belongs.
    ...(servername === undefined
      ? {}
      : { servername, checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate) }),
  }
}

/** The part of the client's configuration that decides who comes. */
export function loginOf({ access, secret }: Pick<Connecting, 'access' | 'secret'>): ClientConfig {
  if (access === undefined) return { user: ROLE, database: DATABASE, password: secret, ssl: false }
  // An empty password keeps the client library from looking for another one by itself.
  const { user, database = DATABASE, password = '' } = access
  return { user, database, password, ssl: tlsOptions(access) }
}

const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)|ERR_SSL|HOSTNAME_MISMATCH)/

/** What is wrong with a login to a server that is not ours, and what to do; undefined when it is something else. */
function loginTrouble(error: unknown, { user, database = DATABASE, password }: Access): string | undefined {
  const [code, message] = [codeOf(error), messageOf(error)]
  if (CERTIFICATE.test(code)) {
    return `shows a certificate that is not to be trusted (${message}): give the certificate of who signed it as tls.ca, or the name that it has as tls.servername, or tls.verify: false to believe whoever answers`
  }
  if (/does not support SSL/.test(message)) {
    return 'does not encrypt connections: turn its ssl on, or give tls: false to go without'
  }
  if (/no pg_hba\.conf entry/.test(message)) {
    return `lets nobody in from here as ${user} (${message}): add a line to its pg_hba.conf, or connect as it allows`
  }
  if (password === undefined && /password must be/.test(message)) {
    return `asks ${user} for a password, and none was given: set GEOWRITE_POSTGRES_PASSWORD, or write one into ~/.pgpass`
  }
  if (code.startsWith('28')) {
    return `refuses to let ${user} in (${message}): check GEOWRITE_POSTGRES_USER and GEOWRITE_POSTGRES_PASSWORD, or ~/.pgpass`
  }
  if (code === '3D000') return `has no database ${database}: create it, or name another with database`
  return undefined
}

/** What the user is told of a connection that was not made; without any secret. */
export function refusedBy({ address, access }: Connecting, error: unknown): BenchError {
  const where = `${address.host}:${address.port}`
  const trouble = access === undefined ? undefined : loginTrouble(error, access)
  if (trouble !== undefined) return new BenchError('SERVERS', `Postgres at ${where} ${trouble}.`, { cause: error })
  return new BenchError(
    'STORE',
    `Postgres at ${where} did not accept a connection (${messageOf(error)}): its log says why.`,
    { cause: error },
  )
}
