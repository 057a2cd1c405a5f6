// Finds and removes by label what runs have made at an engine. Needs nothing but HTTP, so that the guardian starts at once and stays small.
import { request } from 'node:http'

/** Where an engine on this machine answers: a socket's path, or a port of a loopback address. */
export interface EngineAddress {
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number
}

interface Labelled {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
}

interface Found {
  readonly containers: readonly Labelled[]
  readonly networks: readonly Labelled[]
  readonly volumes: readonly Labelled[]
}

interface Listed {
  readonly Id?: string
  readonly Name?: string
  readonly Labels?: Readonly<Record<string, string>> | null
}

const ANSWER_WITHIN_MS = 10_000
const ROUNDS_MAX = 20
const PAUSE_MS = 200

/** Everything with a label, `name=value`. Rejects when the engine does not answer. */
export async function labelled(engine: EngineAddress, label: string): Promise<Found> {
  const filters = `filters=${encodeURIComponent(JSON.stringify({ label: [label] }))}`
  const [containers, networks, volumes] = await Promise.all([
    ask(engine, 'GET', `/containers/json?all=true&${filters}`),
    ask(engine, 'GET', `/networks?${filters}`),
    ask(engine, 'GET', `/volumes?${filters}`),
  ])
  const withId = (list: unknown, id: 'Id' | 'Name'): readonly Labelled[] =>
    ((list ?? []) as readonly Listed[]).map((each) => ({ id: each[id] ?? '', labels: each.Labels ?? {} }))
  return {
    containers: withId(containers, 'Id'),
    networks: withId(networks, 'Id'),
    volumes: withId((volumes as { Volumes?: unknown } | null)?.Volumes, 'Name'),
  }
}

/**
 * Removes everything with a label, containers with what runs in them first. What the engine is still making for somebody who
 * was killed appears late: `looks` says how many times in a row nothing must be found.
 */
export async function sweep(engine: EngineAddress, label: string, looks = 1): Promise<void> {
  for (let round = 0, empty = 0; round < ROUNDS_MAX && empty < looks; round++) {
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    const { containers, networks, volumes } = await labelled(engine, label)
    const isEmpty = containers.length + networks.length + volumes.length === 0
    empty = isEmpty ? empty + 1 : 0
    await Promise.all(containers.map(({ id }) => remove(engine, `/containers/${id}?force=true&v=true`)))
    // What is still in use fails, and is tried again.
    await Promise.all(networks.map(({ id }) => remove(engine, `/networks/${id}`)))
    await Promise.all(volumes.map(({ id }) => remove(engine, `/volumes/${id}?force=true`)))
  }
}

async function remove(engine: EngineAddress, path: string): Promise<void> {
  await ask(engine, 'DELETE', path).catch(() => undefined)
}

/** What the engine answers, parsed; rejects for anything but success. */
function ask(engine: EngineAddress, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...engine, method, path, timeout: ANSWER_WITHIN_MS, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0 } = response
        if (statusCode >= 300)
          reject(new Error(`the engine answered ${statusCode} to ${method} ${path}: ${text.trim()}`))
        else resolve(text === '' ? null : JSON.parse(text))
      })
    })
    asked.on('timeout', () => asked.destroy(new Error(`the engine did not answer ${method} ${path}`)))
    asked.on('error', reject)
    asked.end()
  })
}
