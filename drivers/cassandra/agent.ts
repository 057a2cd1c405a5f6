// Asks a server's MBeans, through the agent in its JVM that answers over HTTP on loopback.
import type { Address } from '../../bench/contract/driver.ts'
import { BenchError, messageOf } from '../../bench/contract/errors.ts'

/** What the server is asked for; see the agent's protocol (Jolokia 2, `read`, `exec`, `search`). */
export type Question =
  | {
      readonly type: 'read'
      readonly mbean: string
      readonly attribute?: string | readonly string[]
      readonly path?: string
    }
  | {
      readonly type: 'exec'
      readonly mbean: string
      readonly operation: string
      readonly arguments: readonly unknown[]
    }

interface Answer {
  readonly status: number
  readonly value?: unknown
  readonly error?: string
}

export class Agent {
  readonly #url: string
  readonly #authorization: string
  readonly #name: string

  constructor(name: string, { host, port }: Address, secret: string) {
    this.#name = name
    this.#url = `http://${host}:${port}/jolokia/`
    this.#authorization = `Basic ${Buffer.from(`geowrite:${secret}`).toString('base64')}`
  }

  /** The answers in the order of the questions; undefined for what this server does not know. */
  async ask(questions: readonly Question[], timeoutMs: number): Promise<readonly unknown[]> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      body: JSON.stringify(questions),
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Error(`the agent answered ${response.status}`)
    const answers = (await response.json()) as readonly Answer[]
    return answers.map(({ status, value }) => (status === 200 ? value : undefined))
  }

  /** Lets the server do something. Throws STORE when it does not. */
  async run(mbean: string, operation: string, given: readonly unknown[], timeoutMs: number): Promise<unknown> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'exec', mbean, operation, arguments: given } satisfies Question),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const answer = (await response.json()) as Answer
      if (answer.status !== 200) throw new Error(answer.error ?? `status ${answer.status}`)
      return answer.value
    } catch (error) {
      throw new BenchError('STORE', `${this.#name} did not do ${operation}: ${messageOf(error)}; its log says why.`, {
        cause: error,
      })
    }
  }
}
