// Single prepared upserts on Postgres against pgbench with as many clients.
import type { Comparison } from './comparison.ts'
import { profilesOn } from './postgres-ground.ts'
import { postgresPgbench } from './postgres-pgbench.ts'

const against = (clients: number, target: number | null): Comparison =>
  postgresPgbench(
    {
      name: `postgres-single-pgbench-${clients}`,
      what: `Postgres, single prepared upserts, ${clients} sessions`,
      peer: `pgbench -M prepared, ${clients} clients`,
      target,
    },
    { ...profilesOn('single'), writers: String(clients) },
  )

export const postgresSinglePgbench: readonly Comparison[] = [against(8, 0.85), against(32, null)]
