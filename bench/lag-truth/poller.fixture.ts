// For tests: starts the programs that poll the stores of a run, one a DC, and gathers what they saw.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Run } from '../run.ts'
import { POLLING_LINE, type PollOrders, type PollReport } from './poll.fixture.ts'

/** By driver: its program, and the name of the port that it polls. */
const PROGRAMS: Readonly<Record<string, { readonly file: string; readonly port: string }>> = {
  postgres: { file: 'poll-postgres.fixture.ts', port: 'sql' },
  lsm: { file: 'poll-node.fixture.ts', port: 'node' },
}

export class Pollers {
  readonly #running: { readonly dc: string; readonly child: ChildProcess; readonly lines: AsyncIterator<string> }[] = []

  /** Starts a program for every DC; resolves when all are polling. */
  async start(run: Run, driver: string): Promise<void> {
    const { endpoints, plan } = run.stores
    const { file, port } = PROGRAMS[driver]
    for (const { name, index } of plan.dcs) {
      const program = fileURLToPath(new URL(file, import.meta.url))
      const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
      const lines = linesOf(child)
      this.#running.push({ dc: name, child, lines })
      const { name: table, rows: keys } = plan.table
      const orders: PollOrders = { ...endpoints[name][port], secret: plan.secret, table, keys, dcIndex: index }
      // The secret goes through a pipe: an argument or a variable could be read by others.
      child.stdin?.write(`${JSON.stringify(orders)}\n`)
    }
    for (const { dc, lines } of this.#running) {
      const { value } = await lines.next()
      if (value !== POLLING_LINE) throw new Error(`the program that polls ${dc} did not start`)
    }
  }

  /** Ends the programs; what each saw, by DC. */
  async end(): Promise<Map<string, PollReport>> {
    const reports = new Map<string, PollReport>()
    for (const { dc, child, lines } of this.#running) {
      child.stdin?.end()
      const { value } = await lines.next()
      reports.set(dc, JSON.parse(value as string) as PollReport)
      if (child.exitCode === null) await once(child, 'exit')
    }
    return reports
  }

  /** Ends what is still running, by force. */
  [Symbol.dispose](): void {
    for (const { child } of this.#running) if (child.exitCode === null) child.kill('SIGKILL')
  }
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  const lines: Interface = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })
  return lines[Symbol.asyncIterator]()
}
