// For tests: two Postgres servers that no harness started, as a user has them: one encrypted and one not, with a login of modest rights.
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, disconnect } from '../drivers/postgres/connect.ts'
import { testPlan, TestDeployment } from '../drivers/postgres/servers.fixture.ts'
import { Authority } from './deploy/certificates.fixture.ts'

export const USER = 'modest'
export const PASSWORD = 'a:word\\kept'
/** What the certificate of us-east calls it besides its address. */
export const SERVERNAME = 'db.geowrite.test'
const NOBODY = 65_534
const AS_ROOT = process.getuid?.() === 0

const RIGHTS = [
  `CREATE ROLE ${USER} LOGIN REPLICATION PASSWORD '${PASSWORD}'`,
  `GRANT CREATE ON SCHEMA public TO ${USER}`,
  `GRANT CREATE ON DATABASE postgres TO ${USER}`,
  `GRANT pg_create_subscription TO ${USER}`,
  ...['create(text)', 'drop(text)', 'session_setup(text)', 'xact_setup(pg_lsn, timestamptz)'].map(
    (name) => `GRANT EXECUTE ON FUNCTION pg_replication_origin_${name} TO ${USER}`,
  ),
]

/** Servers of two DCs; that of us-east speaks TLS. Disposing it ends them. */
export class OwnServers implements AsyncDisposable {
  /** Holds `ca.pem`, and whatever a test puts there. */
  readonly folder: string
  readonly #deployment: TestDeployment
  readonly #secret: string
  #files = 0

  private constructor(folder: string, deployment: TestDeployment, secret: string) {
    this.folder = folder
    this.#deployment = deployment
    this.#secret = secret
  }

  static async start(): Promise<OwnServers> {
    const plan = testPlan()
    const deployment = await TestDeployment.create(plan)
    const servers = new OwnServers(mkdtempSync(join(tmpdir(), 'geowrite-own-')), deployment, plan.secret)
    try {
      await deployment.start('deploy')
      await servers.#encrypt()
      for (const dc of ['us-east', 'eu-west']) for (const right of RIGHTS) await servers.ask(dc, right)
      return servers
    } catch (error) {
      await servers[Symbol.asyncDispose]()
      throw error
    }
  }

  async #encrypt(): Promise<void> {
    const authority = new Authority()
    // The servers read it too, as another user.
    chmodSync(this.folder, 0o755)
    writeFileSync(join(this.folder, 'ca.pem'), authority.certificate, { mode: 0o644 })
    writeFileSync(join(this.folder, 'other-ca.pem'), new Authority().certificate)
    const [{ folder }] = await this.ask('us-east', `SELECT current_setting('data_directory') AS folder`)
    const { certificate, key } = authority.forHosts('127.0.0.1', SERVERNAME)
    for (const [name, text] of [
      ['server.crt', certificate],
      ['server.key', key],
    ]) {
      const path = join(String(folder), name)
      writeFileSync(path, text, { mode: 0o600 })
      if (AS_ROOT) chownSync(path, NOBODY, NOBODY)
    }
    await this.ask('us-east', `ALTER SYSTEM SET ssl = 'on'`)
    await this.ask('us-east', 'SELECT pg_reload_conf()')
    // Reloading is the work of another process of the server.
    while ((await this.ask('us-east', `SELECT current_setting('ssl') AS ssl`))[0]['ssl'] !== 'on');
  }

  port(dc: string): number {
    return this.#deployment.endpoints[dc]['sql'].port
  }

  /** What the server's log says. */
  log(dc: string): string {
    return this.#deployment.log(`postgres ${dc}`)
  }

  async restart(dc: string): Promise<void> {
    await this.#deployment.kill(`postgres ${dc}`)
    await this.#deployment.run(`postgres ${dc}`)
  }

  /** Asks as the server's superuser. */
  async ask(dc: string, text: string): Promise<Readonly<Record<string, unknown>>[]> {
    const client = await connect({
      address: this.#deployment.endpoints[dc]['sql'],
      secret: this.#secret,
      application: 'superuser',
      patienceMs: 30_000,
      attemptMs: 5000,
    })
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await disconnect(client)
    }
  }

  /** Everything in a server that runs make, by name. */
  async things(dc: string): Promise<string[]> {
    const rows = await this.ask(
      dc,
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
       UNION SELECT pubname FROM pg_publication UNION SELECT subname FROM pg_subscription
       UNION SELECT slot_name FROM pg_replication_slots UNION SELECT roname FROM pg_replication_origin ORDER BY 1`,
    )
    return rows.map(({ name }) => String(name))
  }

  /** An endpoints file that is right, with `changes` of what it says of us-east. */
  endpoints(changes: Readonly<Record<string, unknown>> = {}): string {
    const at = (dc: string) => ({ ports: { sql: `127.0.0.1:${this.port(dc)}` }, user: USER })
    const peers = { tls: 'verify-full', ca: join(this.folder, 'ca.pem') }
    const path = join(this.folder, `endpoints-${this.#files++}.json`)
    const postgres = {
      'us-east': { ...at('us-east'), tls: { ca: 'ca.pem' }, peers, ...changes },
      'eu-west': { ...at('eu-west'), tls: false },
    }
    writeFileSync(path, JSON.stringify({ postgres }))
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deployment[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
