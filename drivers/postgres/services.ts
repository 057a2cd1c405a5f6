// What runs where: one Postgres server a DC, and beside them what the chosen replication needs.
import { join } from 'node:path'
import type { DeployPlan } from '../../bench/contract/driver.ts'
import { BenchError } from '../../bench/contract/errors.ts'
import type { Service } from '../../bench/contract/service.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { pipelineServices } from './pipeline-services.ts'
import { PASSFILE, ROLE, SQL_PORT } from './names.ts'
import { findPrograms } from './programs.ts'
import { serverConfig } from './server-config.ts'
import { readSettings } from './settings.ts'

function serverService(plan: DeployPlan, dc: Dc): Service {
  const { bin, folder: programFolder } = findPrograms(readSettings(plan.settings).bin)
  return {
    name: `postgres ${dc.name}`,
    dc: dc.name,
    role: 'store',
    stage: 'deploy',
    ports: [SQL_PORT],
    reaches: [],
    files: ({ ports }) => [
      { path: 'password', content: `${plan.secret}\n` },
      { path: 'postgresql.conf', content: serverConfig(plan, ports[SQL_PORT]) },
      ...(plan.replication === 'native' ? [{ path: PASSFILE, content: `*:*:*:${ROLE}:${plan.secret}\n` }] : []),
    ],
    setup: ({ folder }) => [
      {
        program: join(bin, 'initdb'),
        args: [
          `--pgdata=${join(folder, 'data')}`,
          `--username=${ROLE}`,
          `--pwfile=${join(folder, 'password')}`,
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
    command: ({ folder }) => ({
      program: join(bin, 'postgres'),
      args: ['-D', join(folder, 'data'), '-c', `config_file=${join(folder, 'postgresql.conf')}`],
    }),
    ready: { type: 'port', port: SQL_PORT },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGINT',
    stopTimeoutMs: 10_000,
    unprivileged: true,
    programFolder,
    watchesParent: false,
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
