// What every deployment of the suite goes through before the other checks, each step a check of its own: it is deployed, loaded, and replicates.
import { differingBuckets, digestsOf } from '../stages/digests.ts'
import { loadedRows } from '../stages/loading.ts'
import { LOADED_VERSION, loadedDot } from '../lib/dot.ts'
import { expect } from './check.ts'
import type { Ground } from './ground.ts'
import { LOADED_ROWS, sameBytes } from './rows.ts'

const BUCKETS = 8

/** A step of setting up; those after one that fails cannot be done. */
export interface Step {
  readonly name: string
  readonly sentence: string
  readonly limitMs: number
}

export const DEPLOYS: Step = {
  name: 'deploys',
  sentence: 'its services start behind verified links, and it says what it is and what decides durability',
  limitMs: 120_000,
}
export const LOADS: Step = {
  name: 'loads',
  sentence:
    'loading leaves the very rows in every DC, byte for byte and equal by digest; again it does the same or refuses',
  limitMs: 60_000,
}
export const REPLICATES: Step = {
  name: 'replicates',
  sentence: 'the DCs become ready to replicate after the load',
  limitMs: 60_000,
}
export const STEPS: readonly Step[] = [DEPLOYS, LOADS, REPLICATES]

function secretIn(ground: Ground, text: string): boolean {
  return text.includes(ground.plan.secret)
}

/** What `Ground.open` found. */
export function checkDescription(ground: Ground): string {
  const { version, durability, settings } = ground.store
  expect(typeof version === 'string' && version !== '', () => 'describe() gives no version.')
  expect(/\S+ \S+/.test(durability), () => `describe() says of durability “${durability}”, which is no sentence.`)
  const texts = Object.entries(settings)
  expect(
    texts.every(([, value]) => typeof value === 'string'),
    () => 'describe() gives settings that are no texts.',
  )
  expect(!secretIn(ground, JSON.stringify(ground.store)), () => 'describe() gives the secret away.')
  return `version ${version}`
}

/** All rows of a DC, read bucket by bucket, are those that were to be loaded. */
async function checkLoadedRows(ground: Ground, dc: string): Promise<void> {
  let found = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const seen = new Set<number>()
    for await (const rows of ground.admin.rows(dc, { bucket, buckets: BUCKETS })) {
      for (let i = 0; i < rows.count; i++) {
        const key = rows.keys[i]
        expect(key % BUCKETS === bucket, () => `rows() gave key ${key} of ${dc} for bucket ${bucket} of ${BUCKETS}.`)
        expect(!seen.has(key), () => `rows() gave key ${key} of ${dc} twice.`)
        seen.add(key)
        const [dot, version] = [loadedDot(key), LOADED_VERSION]
        expect(
          rows.dots[i] === dot && rows.versions[i] === version,
          () =>
            `Key ${key} of ${dc} was loaded with dot ${dot} and version ${version}, and has ${rows.dots[i]} and ${rows.versions[i]}.`,
        )
        expect(
          sameBytes(rows.contents[i], ground.content.expected(dot)),
          () => `Key ${key} of ${dc} has not the content that was loaded.`,
        )
      }
    }
    found += seen.size
  }
  expect(found === LOADED_ROWS, () => `${dc} has ${found} rows after ${LOADED_ROWS} were loaded.`)
}

/** Loads; a system whose rows can be read is then looked into. */
export async function load(ground: Ground, readable: boolean): Promise<string | undefined> {
  const { admin, plan, content, dcNames } = ground
  const told: number[] = []
  await admin.load(loadedRows(plan.table, content), (rows) => told.push(rows))
  expect(
    told.at(-1) === LOADED_ROWS && told.every((rows, i) => i === 0 || rows >= told[i - 1]),
    () => `load() told a progress of ${told.join(', ')} for ${LOADED_ROWS} rows: it must grow to all of them.`,
  )
  if (!readable) return undefined
  for (const dc of dcNames) await checkLoadedRows(ground, dc)
  const before = await digestsOf(admin, dcNames, { buckets: BUCKETS })
  expect(
    differingBuckets(before).length === 0,
    () => 'The DCs hold the same rows after the load and have different digests.',
  )
  const refusal = await admin
    .load(loadedRows(plan.table, content), () => undefined)
    .then(
      () => undefined,
      (error: unknown) => String(error),
    )
  const after = await digestsOf(admin, dcNames, { buckets: BUCKETS })
  expect(
    differingBuckets([...before, ...after]).length === 0,
    () => `Loading a second time ${refusal === undefined ? 'changed' : 'was refused and still changed'} the table.`,
  )
  return refusal === undefined ? 'the same again' : 'a second load is refused'
}

export async function replicate(ground: Ground): Promise<undefined> {
  await ground.admin.replicate(ground.house)
  await ground.house.startReplication(ground.signal)
  return undefined
}
