// The control channel of one relay as the harness holds it: when the relay was restarted it is opened again, told what was set
// before, and its counters go on from where they were.
import type { Address } from '../contract/driver.ts'
import { BenchError } from '../contract/errors.ts'
import { ControlClient } from '../lib/control.ts'
import type { LinkChange, LinkCounters } from './link-state.ts'
import { linkCountersIn } from './link-words.ts'

const nameOf = ({ from, to }: { readonly from: string; readonly to: string }): string => `${from}>${to}`

export class RelayClient implements Disposable {
  readonly #address: Address
  #opening: Promise<ControlClient>
  /** Everything that was set, by directed link. */
  readonly #changes = new Map<string, LinkChange>()
  /** Payload of former lives of the relay, and of this one as last heard, by directed link. */
  readonly #formerBytes = new Map<string, number>()
  readonly #lastBytes = new Map<string, number>()

  private constructor(address: Address, client: ControlClient) {
    this.#address = address
    this.#opening = Promise.resolve(client)
  }

  /** Connects; the relay must be running. */
  static async open(address: Address): Promise<RelayClient> {
    return new RelayClient(address, await ControlClient.open(address))
  }

  /** Changes a directed link. A relay that is down gets it when it is back. */
  async set(request: LinkChange): Promise<void> {
    const name = nameOf(request)
    this.#changes.set(name, { ...request, change: { ...this.#changes.get(name)?.change, ...request.change } })
    try {
      await (await this.#client()).ask('set', request)
    } catch (error) {
      if (error instanceof BenchError && error.code !== 'SERVICE_DIED') throw error
    }
  }

  /** The counters of both directed links; rejects while the relay is down, and with FORMAT for what are none. Payload goes on from that of its former lives. */
  async counters(): Promise<readonly LinkCounters[]> {
    const counters = linkCountersIn(await (await this.#client()).ask('counters'))
    return counters.map((link) => {
      const name = nameOf(link)
      this.#lastBytes.set(name, link.payloadBytes)
      return { ...link, payloadBytes: link.payloadBytes + (this.#formerBytes.get(name) ?? 0) }
    })
  }

  [Symbol.dispose](): void {
    this.#opening.then(
      (client) => client.close(),
      () => undefined,
    )
  }

  async #client(): Promise<ControlClient> {
    const opening = this.#opening
    const client = await opening.catch(() => undefined)
    if (client?.closed === false) return client
    // Another asker may have begun to connect meanwhile.
    if (this.#opening === opening) this.#opening = this.#reopen()
    return this.#opening
  }

  async #reopen(): Promise<ControlClient> {
    const client = await ControlClient.open(this.#address)
    for (const [name, bytes] of this.#lastBytes) {
      this.#formerBytes.set(name, (this.#formerBytes.get(name) ?? 0) + bytes)
    }
    this.#lastBytes.clear()
    for (const change of this.#changes.values()) await client.ask('set', change)
    return client
  }
}
