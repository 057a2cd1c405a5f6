// Services for tests. Run as a program, it is such a service: what it does is its arguments, in order.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import type { Address } from '../contract/driver.ts'
import type { BenchError } from '../contract/errors.ts'
import type { Service } from '../contract/service.ts'
import type { Deployment } from './deployment.ts'

/** A service that listens on its only port, `main`, does `acts`, and is ready when it says so. */
export function testService(name: string, acts: readonly string[], change: Partial<Service> = {}): Service {
  return {
    name,
    dc: 'a',
    role: 'store',
    stage: 'deploy',
    ports: [`main ${name}`],
    reaches: [],
    files: () => [{ path: 'settings/service.json', content: '{"secret":true}' }],
    setup: () => [],
    command: (place) => ({
      program: 'node',
      args: [import.meta.filename, `listen=${listened(place.ports[`main ${name}`])}`, ...acts],
    }),
    ready: { type: 'line', starts: 'ready' },
    readyTimeoutMs: 5_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 1_000,
    unprivileged: false,
    watchesParent: false,
    ...change,
  }
}

/** Where a test service listens, as one of its acts. */
export function listened(address: Address | undefined): string {
  return `${address?.host}:${address?.port}`
}

/** What the service at this address answers to one line; empty when it ends instead. */
export async function ask({ host, port }: Address, line: string): Promise<string> {
  const socket = connect({ host, port })
  socket.write(line)
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
    socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return answer
}

/** Resolves when `holds` does; gives up after 8 s. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 800) throw new Error(`never came to be: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const eaten: Buffer[] = []

/** Modes and owners of its folder and of the file in it. */
function ownFiles(): string {
  const told = ['.', 'settings/service.json'].map((path) => {
    if (!existsSync(path)) return 'none'
    const { mode, uid } = statSync(path)
    return `${(mode & 0o777).toString(8)} ${uid}`
  })
  return told.join(' ')
}

const AT_ONCE = 8192

/** Of the ports `from-to` of a host, those that can be connected to. */
async function openOf(host: string, range: string): Promise<readonly number[]> {
  const [from, to] = range.split('-').map(Number)
  const open: number[] = []
  for (let first = from; first <= to; first += AT_ONCE) {
    const ports = Array.from({ length: Math.min(AT_ONCE, to + 1 - first) }, (_, i) => first + i)
    open.push(...(await Promise.all(ports.map((port) => opens(host, port)))).flat())
  }
  return open
}

/** The port, when it can be connected to within a second. */
function opens(host: string, port: number): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const settle = (open: readonly number[]) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => settle([port]))
    socket.once('error', () => settle([]))
    socket.once('timeout', () => settle([]))
  })
}

/** Kills the service `killed`, lets `mortal` end by itself, both in DC a, and asserts that `deaths` tells of the second alone. */
export async function assertDeathIsTold(deployment: Deployment, deaths: readonly BenchError[]): Promise<void> {
  await deployment.kill('killed')
  await ask(deployment.endpoints().a['main mortal'], 'die')
  await until(() => deaths.length > 0)
  assert.equal(deaths.length, 1)
  assert.equal(deaths[0].code, 'SERVICE_DIED')
  assert.match(deaths[0].message, /^mortal ended by itself with exit code 3 .*first line \/ out of cheese.*\.$/)
}

const ACTS: Readonly<Record<string, (value: string) => unknown>> = {
  listen: (address) => {
    const [host, port] = address.split(':')
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.on('data', (line) => {
        if (String(line) === 'who')
          socket.write(JSON.stringify({ pid: process.pid, env: process.env, cwd: process.cwd(), files: ownFiles() }))
        if (String(line) === 'uid') socket.write(String(process.getuid?.()))
        const [request, what = '', ports = ''] = String(line).split(' ')
        if (request === 'read') socket.write(readFileSync(what))
        if (request === 'eat') eaten.push(Buffer.alloc(2 ** 29, 'cheese'))
        if (request === 'open') {
          void openOf(what, ports).then((open) => socket.write(JSON.stringify(open)))
        }
        if (String(line) === 'die') {
          process.stderr.write('first line\nout of cheese\n')
          process.exit(3)
        }
      })
    })
    server.listen(Number(port), host)
    return once(server, 'listening')
  },
  say: (line) => process.stdout.write(`${line}\n`),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Number(ms))),
  exit: (code) => process.exit(Number(code)),
  deaf: () => process.on('SIGTERM', () => undefined),
  write: (bytes) => writeFileSync('written', Buffer.alloc(Number(bytes)), { flush: true }),
  burn: (ms) => {
    while (process.cpuUsage().user < Number(ms) * 1000);
  },
  child: (acts) => spawn(process.execPath, [import.meta.filename, ...acts.split(',')], { stdio: 'ignore' }),
  // A child in a session of its own, as Postgres makes them.
  stray: () => spawn(process.execPath, [import.meta.filename, 'wait='], { stdio: 'ignore', detached: true }),
  wait: () => setInterval(() => undefined, 1000),
}

if (import.meta.main) {
  for (const act of process.argv.slice(2)) {
    const at = act.indexOf('=')
    await ACTS[act.slice(0, at)](act.slice(at + 1))
  }
}
