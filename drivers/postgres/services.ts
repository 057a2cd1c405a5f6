// What runs where: one Postgres server a DC, and beside them what the chosen replication needs.
import { join } from 'node:path'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { Place, Service } from '../../bench/contract/service.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { pipelineServices } from './pipeline-services.ts'
import { PASSFILE, ROLE, SQL_PORT } from './names.ts'
import { findPrograms, programFolder } from './programs.ts'
import { HBA_FILE, NETWORK_HBA, serverConfig } from './server-config.ts'
import { readSettings } from './settings.ts'

/** The official image's programs, its user, and a folder of its own on its volume. */
const IMAGE_BIN = '/usr/lib/postgresql/18/bin'
const CONTAINER = { image: 'postgres', user: '999:999', folder: '/var/lib/postgresql/geowrite' }

function serverService(plan: DeployPlan, dc: Dc): Service {
  const { bin: asked } = readSettings(plan.settings)
  const program = ({ kind }: Place, name: string) =>
    join(kind === 'process' ? findPrograms(asked).bin : asked === '' ? IMAGE_BIN : asked, name)
  const folder = programFolder(asked)
  return {
    name: `postgres ${dc.name}`,
    dc: dc.name,
    role: 'store',
    stage: 'deploy',
    ports: [SQL_PORT],
    reaches: [],
    files: (place) => [
      { path: 'password', content: `${plan.secret}\n` },
      { path: 'postgresql.conf', content: serverConfig(plan, place) },
      ...(place.kind === 'container' ? [{ path: HBA_FILE, content: NETWORK_HBA }] : []),
      ...(plan.replication === 'native' ? [{ path: PASSFILE, content: `*:*:*:${ROLE}:${plan.secret}\n` }] : []),
    ],
    setup: (place) => [
      {
        program: program(place, 'initdb'),
        args: [
          `--pgdata=${join(place.folder, 'data')}`,
          `--username=${ROLE}`,
          `--pwfile=${join(place.folder, 'password')}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          '--locale=C',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--no-sync',
          '--no-instructions',
        ],
      },
    ],
    command: (place) => ({
      program: program(place, 'postgres'),
      args: ['-D', join(place.folder, 'data'), '-c', `config_file=${join(place.folder, 'postgresql.conf')}`],
    }),
    ready: { type: 'port', port: SQL_PORT },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGINT',
    stopTimeoutMs: 10_000,
    unprivileged: true,
    ...(folder === undefined ? {} : { programFolder: folder }),
    watchesParent: false,
    container: CONTAINER,
  }
}

/** The services that a replication adds to the servers; later ones (`kafka`, `debezium`) are further entries. */
const REPLICATION_SERVICES: Readonly<Record<string, (plan: DeployPlan) => readonly Service[]>> = {
  cdc: pipelineServices,
  // The servers' own workers do it.
  native: () => [],
}

/** All services of a run. Throws BUG for a replication that the driver does not list. */
export function services(plan: DeployPlan): readonly Service[] {
  const more = REPLICATION_SERVICES[plan.replication]
  if (more === undefined)
    throw new BenchError('BUG', `postgres has no services for the replication ${plan.replication}.`)
  return [...plan.dcs.map((dc) => serverService(plan, dc)), ...more(plan)]
}
