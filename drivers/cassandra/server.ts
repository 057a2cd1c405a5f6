// One server as the run's admin holds it: its client, its agent, and statements that wait for a server which is coming back.
import type { Client, types } from 'cassandra-driver'
import { delay } from '../../bench/lib/clock.ts'
import type { Agent } from './agent.ts'
import type { Node } from './names.ts'
import { isAway } from './write-outcome.ts'

/** A client takes some hundred ms to find a server again that was started anew. */
const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 100

export interface Server {
  readonly node: Node
  readonly client: Client
  readonly agent: Agent
}

/** Executes a statement that may be repeated; while the server cannot be reached it is tried again. */
export async function execute(
  { client }: Pick<Server, 'client'>,
  text: string,
  values: readonly (Buffer | null)[] = [],
  options: { readonly consistency?: number; readonly pageState?: Buffer | string; readonly fetchSize?: number } = {},
): Promise<types.ResultSet> {
  const giveUpAtMs = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await client.execute(text, values, { prepare: values.length > 0, ...options })
    } catch (error) {
      if (!isAway(error) || performance.now() > giveUpAtMs) throw error
    }
    await delay(LOOK_EVERY_MS)
  }
}
