// Who reaches which port where, once all services are placed: the harness on loopback, services inside their networks, and
// ports of other DCs at the link alone.
import type { Address, Endpoints } from '../../contract/driver.ts'
import { BenchError } from '../../contract/errors.ts'
import type { PortName, Service } from '../../contract/service.ts'
import type { Route } from '../deployment.ts'
import { portInside, published, type Placement } from './placement.ts'

export class AddressBook {
  readonly #placements: Placement[] = []
  /** Which service has a port, by DC and port. */
  readonly #owners = new Map<string, Map<string, Placement>>()
  /** Said when all links are placed. */
  route: Route = (from, to) => {
    throw new BenchError('BUG', `No route from ${from} to ${to} was given.`)
  }

  add(placement: Placement): void {
    const { dc, ports } = placement.service
    const owners = this.#owners.get(dc) ?? new Map<string, Placement>()
    for (const port of ports) {
      if (owners.has(port)) throw new BenchError('BUG', `Two services of ${dc} have a port named ${port}.`)
      owners.set(port, placement)
    }
    this.#owners.set(dc, owners)
    this.#placements.push(placement)
  }

  /** Every port of every DC, as the harness reaches it directly. */
  endpoints(): Endpoints {
    const seen: Record<string, Readonly<Record<string, Address>>> = {}
    for (const placement of this.#placements) {
      const { dc } = placement.service
      seen[dc] = { ...seen[dc], ...published(placement) }
    }
    return seen
  }

  /** The ports of all but links as clients in `dc` reach them, who are on this machine. */
  seenByClients(dc: string): Endpoints {
    const endpoints = this.endpoints()
    return this.#seen(dc, (name) => endpoints[name.dc][name.port])
  }

  seenByServices(dc: string): Endpoints {
    return this.#seen(dc, (name) => this.reachedInside(dc, name))
  }

  reachedInside(dc: string, name: PortName): Address {
    const placement = this.#owners.get(name.dc)?.get(name.port)
    if (placement === undefined) throw new BenchError('BUG', `${name.dc} has no port named ${name.port}.`)
    const network = placement.networks.find((each) => each.dc === dc)
    if (network === undefined) throw new BenchError('BUG', `${placement.service.name} is not in the network of ${dc}.`)
    return { host: network.address, port: portInside(placement, name.port) }
  }

  /** How a service reaches a port. A link's own ends are direct: it is in both networks. */
  reach(service: Service, dc: string, port: string): Address {
    if (service.role === 'link') return this.reachedInside(dc, { dc, port })
    return this.reachedInside(service.dc, service.dc === dc ? { dc, port } : this.route(service.dc, dc, port))
  }

  #seen(dc: string, at: (name: PortName) => Address): Endpoints {
    const seen: Record<string, Record<string, Address>> = {}
    for (const { service } of this.#placements) {
      if (service.role === 'link') continue
      const ports = (seen[service.dc] ??= {})
      for (const port of service.ports)
        ports[port] = at(service.dc === dc ? { dc, port } : this.route(dc, service.dc, port))
    }
    return seen
  }
}
