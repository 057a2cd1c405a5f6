// What one seed of the crash test is: which system, which load, and who is killed when. Pure: the same seed, the same plan.
import type { Service } from '../contract/service.ts'
import type { Topology } from '../contract/topology.ts'
import { randomStream, type RandomStream } from '../lib/random.ts'

/** What of a run a seed decides: options as on the command line, and the rate. */
export interface SeedPlan {
  readonly seed: number
  readonly rowsPerSecond: number
  readonly options: Readonly<Record<string, unknown>>
}

/** Kills that fall into one run, at most. */
const KILLS_MOST = 4
const FIRST_MS = 400
const LAST_MS = 3200
/** How long a victim stays dead: less than a client waits for an answer, and more. */
const DOWN_MS = { least: 20, most: 900 }
/** Between two kills of one victim: long enough to start again, on a busy machine too, and short enough to be caught while catching up. */
const APART_MS = 1200
const DURATION_MS = 4500
const ROWS = 2000
const RATES = { least: 500, most: 3000 }
/** Increments tell what is applied twice, upserts what is lost or mixed, deletes what comes back. */
const WORKLOADS = ['profiles', 'counter'] as const

const between = (random: RandomStream, { least, most }: { readonly least: number; readonly most: number }): number =>
  Math.round(least + random.unit() * (most - least))

function oneOf<T>(random: RandomStream, values: readonly T[]): T {
  return values[Math.min(values.length - 1, Math.floor(random.unit() * values.length))]
}

/** Everything that runs beside the harness, in the words of `--fault`. */
export function victimsOf(services: readonly Pick<Service, 'name' | 'dc'>[], { dcs }: Topology): string[] {
  const pairs = dcs.flatMap(({ name: a }, i) => dcs.slice(i + 1).map(({ name: b }) => `${a}|${b}`))
  return [...services.map(({ name, dc }) => `${dc}/${name.replaceAll(' ', '-')}`), ...pairs]
}

/** Who is killed, from when, for how long: `kill eu-west/lsm-eu-west at=812ms for=90ms`. Victims may be dead at one time. */
function killsOf(random: RandomStream, victims: readonly string[]): string[] {
  const count = between(random, { least: 1, most: KILLS_MOST })
  const kills: { readonly victim: string; readonly startMs: number; readonly downMs: number }[] = []
  for (let drawn = 0; drawn < count; drawn++) {
    const victim = oneOf(random, victims)
    const startMs = between(random, { least: FIRST_MS, most: LAST_MS })
    const downMs = between(random, DOWN_MS)
    const clashes = kills.some(
      (kill) =>
        kill.victim === victim &&
        startMs < kill.startMs + kill.downMs + APART_MS &&
        kill.startMs < startMs + downMs + APART_MS,
    )
    if (!clashes) kills.push({ victim, startMs, downMs })
  }
  return kills.map(({ victim, startMs, downMs }) => `kill ${victim} at=${startMs}ms for=${downMs}ms`)
}

/**
 * The plan of `seed` for a system that has `modes` and can be hit at `victims`; `workloads` are those that it can run.
 */
export function seedPlan(
  seed: number,
  system: { readonly modes: readonly string[]; readonly victims: readonly string[] },
): SeedPlan {
  const random = randomStream(seed, 0xc7a5)
  const workload = oneOf(random, WORKLOADS)
  return {
    seed,
    rowsPerSecond: between(random, RATES),
    options: {
      workload,
      seed: String(seed),
      mode: oneOf(random, system.modes),
      rows: String(ROWS),
      // Counters are added to by one DC each, so that their sums are known exactly.
      overlap: workload === 'counter' ? '0' : oneOf(random, ['0', '0.3', '1']),
      ...(workload === 'profiles' ? { deletes: oneOf(random, ['0', '0.2']) } : {}),
      skew: oneOf(random, ['0', '0.99']),
      delay: oneOf(random, ['1ms', '10ms', '40ms']),
      warmup: '200ms',
      duration: `${DURATION_MS}ms`,
      'drain-timeout': '60s',
      fault: killsOf(random, system.victims),
    },
  }
}
