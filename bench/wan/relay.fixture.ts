// A relay process for tests, with a target in the test's own process: `a` reaches `b`, and `b` reaches `a`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from '../contract/driver.ts'
import { ControlClient } from '../lib/control.ts'
import type { LinkCounters, LinkState, RelayConfig } from './link-state.ts'

export interface RelayUnderTest extends AsyncDisposable {
  /** Connect here to reach the target through the relay; the quiet one is not counted. */
  readonly entry: Address
  readonly quiet: Address
  readonly pid: number
  set(from: 'a' | 'b', change: Partial<LinkState>): Promise<void>
  setBoth(change: Partial<LinkState>): Promise<void>
  /** Of the link from a to b, and back. */
  counters(): Promise<readonly [LinkCounters, LinkCounters]>
}

export async function listen(server: Server): Promise<Address> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

async function freeAddresses(count: number): Promise<Address[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const addresses = await Promise.all(servers.map(listen))
  for (const server of servers) server.close()
  return addresses
}

export async function startRelay(
  onTarget: ((socket: Socket) => void) | Address | 'refuses',
  link: { delayMs: number; jitterMs?: number; bandwidthBytesPerSecond?: number },
  seed = 1,
  script = new URL('./relay.ts', import.meta.url),
): Promise<RelayUnderTest> {
  const accept = (socket: Socket) => {
    socket.on('error', () => undefined)
    if (typeof onTarget === 'function') onTarget(socket)
  }
  // As each route has in a run, the quiet one has a target of its own.
  const servers = [1, 2].map(() => createServer({ allowHalfOpen: true, noDelay: true }, accept))
  const own = await Promise.all(servers.map(listen))
  const closeServers = () => servers.forEach((server) => server.close())
  if (typeof onTarget !== 'function') closeServers()
  const [target, quietTarget] = typeof onTarget === 'object' ? [onTarget, onTarget] : own
  const [control, entry, quiet] = await freeAddresses(3)
  const common = { jitterMs: 0, ...link }
  const config: RelayConfig = {
    control,
    links: [
      { from: 'a', to: 'b', ...common },
      { from: 'b', to: 'a', ...common },
    ],
    routes: [
      { from: 'a', to: 'b', listen: entry, target, counted: true },
      { from: 'a', to: 'b', listen: quiet, target: quietTarget, counted: false },
    ],
    seed,
  }
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-relay-'))
  writeFileSync(join(folder, 'relay.json'), JSON.stringify(config))
  const child = spawn(process.execPath, [script.pathname, join(folder, 'relay.json')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const client = await ControlClient.open(control)
  const set = (from: string, to: string, change: Partial<LinkState>): Promise<void> =>
    client.ask('set', { from, to, change })
  return {
    entry,
    quiet,
    pid: child.pid ?? 0,
    set: (from, change) => set(from, from === 'a' ? 'b' : 'a', change),
    setBoth: async (change) => {
      await set('a', 'b', change)
      await set('b', 'a', change)
    },
    counters: () => client.ask('counters'),
    [Symbol.asyncDispose]: async () => {
      client.close()
      closeServers()
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

/** A connection through the relay; errors are kept for the test that wants them. */
export async function connectTo(address: Address, allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ ...address, noDelay: true, allowHalfOpen })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Resolves with how the socket closed: its error's code, or `end`. */
export function closed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let how = 'end'
    socket.on('error', (error: NodeJS.ErrnoException) => (how = error.code ?? error.message))
    socket.once('close', () => resolve(how))
    socket.resume()
  })
}
