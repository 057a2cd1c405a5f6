// What the run cost: WAN bytes, bytes written to storage, CPU and memory, from the counters read at the run's marks.
import type { CounterMark, RunFacts } from '../contract/run-folder.ts'
import type { MetricList } from './metric-list.ts'
import type { Traffic } from './traffic.ts'

type ServiceCounters = CounterMark['services'][number]

/** Store and replication; the links and the client are the harness's own. */
const isServer = (role: string) => role === 'store' || role === 'replication'

/**
 * How much a counter grew between two marks over the services chosen; null when a mark is missing, a service has no such
 * counter, or none was chosen.
 */
function growthOf(
  marks: readonly CounterMark[],
  from: CounterMark['name'],
  to: CounterMark['name'],
  chosen: (service: ServiceCounters) => boolean,
  counter: (service: ServiceCounters) => number | null,
): number | null {
  const start = marks.find((mark) => mark.name === from)
  const end = marks.find((mark) => mark.name === to)
  if (start === undefined || end === undefined) return null
  const services = end.services.filter(chosen)
  let growth = 0
  for (const service of services) {
    const last = counter(service)
    const before = start.services.find((other) => other.service === service.service && other.dc === service.dc)
    const first = before === undefined ? 0 : counter(before)
    if (last === null || first === null) return null
    growth += last - first
  }
  return services.length === 0 ? null : growth
}

/** Payload sent over the links between two marks, bytes; null when a mark is missing or none is counted. `link` narrows it to one. */
function wanBytes(
  marks: readonly CounterMark[],
  from: CounterMark['name'],
  to: CounterMark['name'],
  link?: { readonly from: string; readonly to: string },
): number | null {
  const start = marks.find((mark) => mark.name === from)
  const end = marks.find((mark) => mark.name === to)
  if (start === undefined || end === undefined) return null
  const chosen = (mark: CounterMark) =>
    mark.links.filter((one) => link === undefined || (one.from === link.from && one.to === link.to))
  // Links that are not ours have no counters.
  if (chosen(end).length === 0) return null
  const sum = (mark: CounterMark) => chosen(mark).reduce((bytes, one) => bytes + one.payloadBytes, 0)
  return sum(end) - sum(start)
}

/** What the disk under the data took meanwhile, from anybody: an upper bound that checks the services' own counts. */
function deviceGrowth(marks: readonly CounterMark[]): number | null {
  const start = marks.find((mark) => mark.name === 'measure-start')?.deviceWriteBytes ?? null
  const end = marks.find((mark) => mark.name === 'flushed')?.deviceWriteBytes ?? null
  return start === null || end === null ? null : end - start
}

/** Adds wan_bytes, write_amplification, client_cpu, server_cpu and resident_max. */
export function addCost(list: MetricList, facts: RunFacts, dcs: readonly string[], traffic: Traffic): void {
  const { marks } = facts
  const logicalBytes = traffic.byDc.reduce((sum, dc) => sum + dc.storedBytes, 0)
  const stored = traffic.byDc.reduce((sum, dc) => sum + dc.stored, 0)
  const per = (amount: number | null, of: number) => (amount === null || of === 0 ? null : amount / of)
  list.add('wan_bytes', 'per logical byte', {
    value: per(wanBytes(marks, 'measure-start', 'converged'), logicalBytes),
    n: stored,
  })
  for (const link of facts.scenario.topology.links) {
    const bytes = wanBytes(marks, 'measure-start', 'converged', link)
    list.add(
      'wan_bytes',
      'per logical byte',
      { value: per(bytes, logicalBytes), n: stored },
      { dc: link.from, peer: link.to },
    )
  }
  const written = (inDc: (dc: string) => boolean) =>
    facts.ground.countsWrites
      ? growthOf(
          marks,
          'measure-start',
          'flushed',
          (service) => isServer(service.role) && inDc(service.dc),
          (service) => service.storageWriteBytes,
        )
      : null
  // Every DC stores every DC's writes, so that the logical bytes are the same in each.
  list.add('write_amplification', 'per logical byte', {
    value: per(
      written(() => true),
      logicalBytes * dcs.length,
    ),
    n: stored,
  })
  for (const dc of dcs) {
    const value = per(
      written((other) => other === dc),
      logicalBytes,
    )
    list.add('write_amplification', 'per logical byte', { value, n: stored }, { dc })
  }
  const device = deviceGrowth(marks)
  list.add('device_write_amplification', 'per logical byte', {
    value: per(device, logicalBytes * dcs.length),
    n: stored,
  })
  const cpu = (chosen: (service: ServiceCounters) => boolean) =>
    per(
      growthOf(marks, 'measure-start', 'converged', chosen, (service) => service.cpuSeconds),
      stored / 1e6,
    )
  list.add('client_cpu', 'CPU-s per million converged rows', {
    value: cpu((service) => service.role === 'client'),
    n: stored,
  })
  list.add('server_cpu', 'CPU-s per million converged rows', {
    value: cpu((service) => isServer(service.role)),
    n: stored,
  })
  for (const dc of dcs) {
    const value = cpu((service) => isServer(service.role) && service.dc === dc)
    list.add('server_cpu', 'CPU-s per million converged rows', { value, n: stored }, { dc })
  }
  addResident(list, marks, dcs)
}

/** The sum of the largest resident size of each service of a DC: they need not have been largest at one time. */
function addResident(list: MetricList, marks: readonly CounterMark[], dcs: readonly string[]): void {
  const last = marks.at(-1)
  const resident = (inDc: (dc: string) => boolean) => {
    const servers = last?.services.filter((service) => isServer(service.role) && inDc(service.dc)) ?? []
    if (servers.length === 0) return null
    return servers.reduce<number | null>(
      (bytes, { residentMaxBytes }) => (bytes === null || residentMaxBytes === null ? null : bytes + residentMaxBytes),
      0,
    )
  }
  list.add('resident_max', 'bytes', { value: resident(() => true) })
  for (const dc of dcs) list.add('resident_max', 'bytes', { value: resident((other) => other === dc) }, { dc })
}
