// Where the servers of --deployment=external are and who logs in: from a file and from the environment, which goes before it.
import type { Address, Driver, Endpoints } from '../contract/driver.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { Access, External, ExternalUse, PeerTls, Tls } from '../contract/external.ts'
import { readBounded } from '../lib/bounded-file.ts'
import { nearest, suggestion } from '../lib/nearest.ts'
import { readEndpointsFile, type ServerGiven } from './external-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Asked {
  readonly driver: Pick<Driver, 'name' | 'external'>
  readonly dcs: readonly string[]
  readonly file: string | undefined
  readonly environment: Environment
}

const PREFIX = 'GEOWRITE'
const OWN_VARIABLES = ['USER', 'PASSWORD', 'DATABASE', 'TLS', 'CA', 'SERVERNAME', 'PEER_TLS', 'PEER_CA'] as const
const TLS_WORDS = ['on', 'unverified', 'off'] as const
const PEER_MODES = ['verify-full', 'verify-ca', 'require', 'disable'] as const

const shouted = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
const variable = (...parts: readonly string[]): string => [PREFIX, ...parts].map(shouted).join('_')

/** Whether the driver can use servers that it did not deploy. Throws USAGE where it cannot. */
export function externalUse({ name, external }: Pick<Driver, 'name' | 'external'>): ExternalUse {
  if (external !== undefined && !('cannot' in external)) return external
  throw new BenchError(
    'USAGE',
    `${name} cannot run with --deployment=external, because ${external?.cannot ?? 'it does not say how it would use servers that it did not deploy'}: choose another driver, or another deployment.`,
  )
}

function oneOf<T extends string>(value: string, allowed: readonly T[], name: string): T {
  const found = allowed.find((word) => word === value)
  if (found !== undefined) return found
  throw new BenchError('USAGE', `${name} is none of ${allowed.join(', ')}.`)
}

/** A variable of the environment for one DC, or for all of them. */
class Variables {
  readonly #environment: Environment
  readonly #driver: string

  constructor({ environment, driver, dcs }: Asked, ports: readonly string[]) {
    this.#environment = environment
    this.#driver = driver.name
    const names = [...OWN_VARIABLES, ...ports, ...ports.map((port) => `PEER_${port}`)]
    const known = ['', ...dcs].flatMap((dc) =>
      names.map((name) => variable(driver.name, ...(dc === '' ? [] : [dc]), name)),
    )
    const unknown = Object.keys(environment).find(
      (name) => name.startsWith(`${variable(driver.name)}_`) && !known.includes(name),
    )
    if (unknown === undefined) return
    throw new BenchError('USAGE', `Nothing is known of ${unknown} in the environment: ${suggestion(unknown, known)}`)
  }

  of(dc: string, name: string): string | undefined {
    return (
      this.#environment[variable(this.#driver, dc, name)] ??
      this.#environment[variable(this.#driver, name)] ??
      undefined
    )
  }
}

/** `host:port`, an IPv6 address in brackets. What is given is not repeated: a secret may have got into it. */
function addressOf(text: string, what: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535) {
    throw new BenchError(
      'USAGE',
      `${what} is not host:port, such as db.example.com:5432; user and password go elsewhere.`,
    )
  }
  return { host: match[1] ?? match[2], port }
}

function certificateIn(path: string): string {
  try {
    const text = readBounded(path)
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  } catch (error) {
    throw new BenchError('USAGE', `The certificate ${path} cannot be read (${messageOf(error)}): name another file.`)
  }
  throw new BenchError('USAGE', `The file ${path} holds no certificate in PEM: name one that does.`)
}

function tlsOf(dc: string, given: ServerGiven, variables: Variables): Tls | null {
  const word = variables.of(dc, 'TLS')
  const asked = word === undefined ? undefined : oneOf(word, TLS_WORDS, 'The TLS of the environment')
  if (asked === 'off' || (asked === undefined && given.tls === false)) return null
  const file = given.tls === false ? undefined : given.tls
  const ca = variables.of(dc, 'CA') ?? file?.ca
  const servername = variables.of(dc, 'SERVERNAME') ?? file?.servername
  return {
    ...(ca === undefined ? {} : { ca: certificateIn(ca) }),
    ...(servername === undefined ? {} : { servername }),
    verify: asked === undefined ? (file?.verify ?? true) : asked === 'on',
  }
}

function peerTlsOf(dc: string, given: ServerGiven, tls: Tls | null, variables: Variables): PeerTls {
  const word = variables.of(dc, 'PEER_TLS')
  const usual = tls === null ? 'disable' : tls.verify ? 'verify-full' : 'require'
  return {
    mode: word === undefined ? (given.peers?.tls ?? usual) : oneOf(word, PEER_MODES, 'The PEER_TLS of the environment'),
    ca: variables.of(dc, 'PEER_CA') ?? given.peers?.ca ?? 'system',
  }
}

/** The endpoints of a driver's servers and who logs in. Throws USAGE with one sentence for the first thing that is wrong. */
export function externalServers(asked: Asked): Pick<External, 'ports' | 'peerPorts' | 'access'> {
  const { driver, dcs, file } = asked
  const use = externalUse(driver)
  const all = file === undefined ? {} : readEndpointsFile(file)
  const misspelt = all[driver.name] === undefined ? nearest(driver.name, Object.keys(all)) : undefined
  if (misspelt !== undefined) {
    throw new BenchError(
      'USAGE',
      `The endpoints ${file} have no ${driver.name} but ${misspelt}: name it ${driver.name}.`,
    )
  }
  const given = all[driver.name] ?? {}
  const variables = new Variables(asked, use.ports)
  const ports: Record<string, Endpoints[string]> = {}
  const peerPorts: Record<string, Endpoints[string]> = {}
  const access: Record<string, Access> = {}
  for (const dc of dcs) {
    const server = given[dc] ?? {}
    for (const name of [...Object.keys(server.ports ?? {}), ...Object.keys(server.peers?.ports ?? {})]) {
      if (use.ports.includes(name)) continue
      throw new BenchError(
        'USAGE',
        `The servers of ${driver.name} have no port ${name}: ${suggestion(name, use.ports)}`,
      )
    }
    const at = (name: string) => {
      const text = variables.of(dc, name) ?? server.ports?.[name]
      if (text !== undefined) return addressOf(text, `The port ${name} of ${driver.name} in ${dc}`)
      const others = Object.keys(given).filter((other) => !dcs.includes(other))
      const known = others.length === 0 ? '' : ` (the file has ${others.join(', ')}: --dcs names the DCs)`
      throw new BenchError(
        'USAGE',
        `Nothing says where the port ${name} of ${driver.name} in ${dc} is${known}: give it in a file with --endpoints, or as ${variable(driver.name, dc, name)}=host:port in the environment.`,
      )
    }
    ports[dc] = Object.fromEntries(use.ports.map((name) => [name, at(name)]))
    peerPorts[dc] = Object.fromEntries(
      use.ports.map((name) => {
        const text = variables.of(dc, `PEER_${name}`) ?? server.peers?.ports?.[name]
        const what = `The port ${name} of ${driver.name} in ${dc} for its peers`
        return [name, text === undefined ? ports[dc][name] : addressOf(text, what)]
      }),
    )
    access[dc] = accessOf(dc, use, server, ports[dc], variables)
  }
  return { ports, peerPorts, access }
}

function accessOf(
  dc: string,
  use: ExternalUse,
  server: ServerGiven,
  ports: Endpoints[string],
  variables: Variables,
): Access {
  const user = variables.of(dc, 'USER') ?? server.user ?? use.user
  const database = variables.of(dc, 'DATABASE') ?? server.database ?? use.database
  const { host, port } = ports[use.ports[0]]
  const password = variables.of(dc, 'PASSWORD') ?? use.password?.({ host, port, user, database: database ?? '' })
  const tls = tlsOf(dc, server, variables)
  return {
    user,
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    tls,
    peerTls: peerTlsOf(dc, server, tls, variables),
  }
}
