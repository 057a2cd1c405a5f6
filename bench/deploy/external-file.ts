// The file of --endpoints: by driver and DC where its servers are, closed, so that a misspelt word is told and not passed over.
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../contract/errors.ts'
import { readBounded } from '../lib/bounded-file.ts'
import { suggestion } from '../lib/nearest.ts'

const tls = z.strictObject({
  ca: z.string().optional(),
  servername: z.string().optional(),
  verify: z.boolean().optional(),
})
const peers = z.strictObject({
  ports: z.record(z.string(), z.string()).optional(),
  tls: z.enum(['verify-full', 'verify-ca', 'require', 'disable']).optional(),
  ca: z.string().optional(),
})
const server = z.strictObject({
  ports: z.record(z.string(), z.string()).optional(),
  user: z.string().optional(),
  database: z.string().optional(),
  tls: z.unknown().optional(),
  peers: z.unknown().optional(),
})

/** What a file says of the servers of one driver in one DC. `tls` false: not encrypted; paths are absolute. */
export interface ServerGiven {
  readonly ports?: Readonly<Record<string, string>> | undefined
  readonly user?: string | undefined
  readonly database?: string | undefined
  readonly tls?: false | z.infer<typeof tls>
  readonly peers?: z.infer<typeof peers>
}

/** By driver, then by DC. */
type ServersGiven = Readonly<Record<string, Readonly<Record<string, ServerGiven>>>>

function refuse(file: string, why: string): never {
  throw new BenchError('USAGE', `The endpoints ${file} cannot be used: ${why}`)
}

function checked<S extends z.ZodObject>(schema: S, value: unknown, where: string, file: string): z.infer<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    if (/pass(word)?|secret/i.test(key)) {
      refuse(
        file,
        `${where} has a ${key}, which belongs in no file of this kind: give it by the environment, or where the store's own tools look for it.`,
      )
    }
    refuse(file, `${where} has no ${key}: ${suggestion(key, Object.keys(schema.shape))}`)
  }
  // Values are not repeated: a secret may have got among them.
  return refuse(file, `${[where, ...issue.path.map(String)].join('.')} is not right (${issue.message}).`)
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function mappingAt(value: unknown, where: string, file: string): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : refuse(file, `${where} is not a list of names with what belongs to each.`)
}

function serverGiven(value: unknown, where: string, file: string): ServerGiven {
  const { tls: tlsGiven, peers: peersGiven, ...rest } = checked(server, value, where, file)
  const given: ServerGiven = {
    ...rest,
    ...(peersGiven === undefined ? {} : { peers: checked(peers, peersGiven, `${where}.peers`, file) }),
  }
  if (tlsGiven === undefined || tlsGiven === true) return given
  if (tlsGiven === false) return { ...given, tls: false }
  const { ca, ...others } = checked(tls, tlsGiven, `${where}.tls`, file)
  return { ...given, tls: { ...others, ...(ca === undefined ? {} : { ca: resolve(dirname(file), ca) }) } }
}

/** Reads the file. Throws USAGE with one sentence for the first thing that is wrong. */
export function readEndpointsFile(file: string): ServersGiven {
  let parsed: unknown
  try {
    // JSON is YAML. What the parser quotes of a file that it cannot read may be a secret: its line says enough.
    parsed = parse(readBounded(file), { logLevel: 'error' })
  } catch (error) {
    const { code, linePos } = error as { code?: unknown; linePos?: readonly [{ readonly line: number }] }
    const name = error instanceof RangeError ? error.message : String(code)
    const what = linePos === undefined ? name : `${name} in line ${linePos[0].line}`
    return refuse(file, `it cannot be read (${what}): give a YAML or JSON file.`)
  }
  return Object.fromEntries(
    Object.entries(mappingAt(parsed, 'it', file)).map(([driver, dcs]) => [
      driver,
      Object.fromEntries(
        Object.entries(mappingAt(dcs, driver, file)).map(([dc, value]) => {
          const where = `${driver}.${dc}`
          return [dc, serverGiven(mappingAt(value, where, file), where, file)]
        }),
      ),
    ]),
  )
}
