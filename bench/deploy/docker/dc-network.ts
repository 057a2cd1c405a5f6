// The network of one DC, which nothing but its own containers and the links is in: its addresses, handed out before anything starts.
import { BenchError, messageOf } from '../../contract/errors.ts'
import type { Engine } from './engine.ts'
import { addressAt, freeSubnets, subnetOf, subnetsInUse, subnetText, type Subnet } from './subnets.ts'

const TRIES_MAX = 20
/** The network's own address and its gateway come first; the last is for broadcasts. */
const FIRST_HOST = 2
const LAST_HOST = 254

export class DcNetwork {
  readonly name: string
  readonly #subnet: Subnet
  #next = FIRST_HOST

  private constructor(name: string, subnet: Subnet) {
    this.name = name
    this.#subnet = subnet
  }

  /** Makes the network; a subnet that the engine refuses, since another has just taken it, is tried no more. Throws COMPONENT. */
  static async create(engine: Engine, name: string, labels: Record<string, string>): Promise<DcNetwork> {
    const taken = [...subnetsInUse(), ...(await subnetsOf(engine))]
    const candidates = freeSubnets(taken, Math.random())
    let refusal = 'no private subnet is free'
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { value: subnet } = candidates.next()
      if (subnet === undefined) break
      try {
        await engine.docker.createNetwork({
          Name: name,
          Driver: 'bridge',
          Labels: labels,
          EnableIPv6: false,
          IPAM: { Driver: 'default', Config: [{ Subnet: subnetText(subnet), Gateway: addressAt(subnet, 1) }] },
        })
        return new DcNetwork(name, subnet)
      } catch (error) {
        refusal = messageOf(error)
        if (!/overlap|conflict/i.test(refusal)) break
      }
    }
    throw new BenchError(
      'COMPONENT',
      `The container engine did not make a network for a DC (${refusal}): see what \`docker network ls\` shows, remove what is not needed, and run again.`,
    )
  }

  /** An address that nobody else has. */
  take(): string {
    if (this.#next > LAST_HOST) throw new BenchError('BUG', `The network ${this.name} has no address left.`)
    return addressAt(this.#subnet, this.#next++)
  }
}

async function subnetsOf({ docker }: Engine): Promise<readonly Subnet[]> {
  const networks = await docker.listNetworks()
  return networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet: text }) => subnetOf(text ?? '') ?? []))
}
