// Writing and reading at home: what was written is there at once, whole, wherever one looks, and versions never go back.
import { OUTCOME } from '../../contract/outcome.ts'
import { OPERATION } from '../../contract/table.ts'
import { expect, unreadable, unreadableOrAppends, type Check, type CheckContext } from '../check.ts'
import type { Ground } from '../ground.ts'
import { batchOf, contentOf, INT_MAX, INT_MIN, NAME_BYTES_MAX, NOTE_BYTES_MAX, sameBytes, type Row } from '../rows.ts'

const LIMIT_MS = 30_000
/** What `--batch` allows. */
const BATCH_ROWS_MAX = 4096
const HOME = 0
/** A store that gave up waiting for its own parts has handed the rest on by then. */
const LATE_WITHIN_MS = 20_000

/** Writes rows at home and compares what is there, at once and by another session, with what was written. */
async function writeAndCompare({ ground, mode }: CheckContext, rows: readonly Row[]): Promise<void> {
  const { storedVersions } = await ground.mustStore(await ground.session(HOME, mode.name), rows)
  await compare(ground, rows, storedVersions)
}

/**
 * As `writeAndCompare`, for a batch so large that its time, or the store's own, may be over before all is stored: what was refused
 * must not be there, all else in the end. Resolves with what was answered.
 */
async function writeMany({ ground, mode, signal }: CheckContext, all: readonly Row[]): Promise<string> {
  const result = await ground.send(await ground.session(HOME, mode.name), batchOf(all))
  const { outcome, rowOutcomes, error, storedVersions } = result
  // Rows are in the order of their keys.
  const outcomes = all.map((_, i) => rowOutcomes?.[i] ?? outcome)
  const [rows, refused] = [false, true].map((fails) => all.filter((_, i) => (outcomes[i] === OUTCOME.fail) === fails))
  expect(
    rows.length > 0,
    () => `A write of ${all.length} rows that nothing hinders was refused (${error ?? 'no word why'}).`,
  )
  const isShown = async (shown: readonly Row[]) => {
    const { dots } = await (await ground.reader(HOME)).read(Float64Array.from(shown, ({ key }) => key))
    return shown.map((row, i) => dots[i] === row.dot)
  }
  await ground.until(
    () =>
      `Of a write of ${all.length} rows, answered with ${error}, not all of the ${rows.length} that were not refused are there`,
    async () => (await isShown(rows)).every((isThere) => isThere),
    LATE_WITHIN_MS,
    signal,
  )
  expect(
    (await isShown(refused)).every((isThere) => !isThere),
    () =>
      `A write of ${all.length} rows was answered with fail for ${refused.length} of them (${error}), and some are there.`,
  )
  const versions = storedVersions?.filter((_, i) => outcomes[i] !== OUTCOME.fail)
  await compare(ground, rows, versions)
  if (outcomes.every((each) => each === OUTCOME.ok)) return ''
  const late = outcomes.filter((each) => each === OUTCOME.info).length
  return `; of the last ${refused.length} refused and ${late} unknown and there later (${error})`
}

async function compare(ground: Ground, rows: readonly Row[], storedVersions?: Float64Array): Promise<void> {
  const reader = await ground.reader(HOME)
  const sorted = rows.toSorted((a, b) => a.key - b.key)
  const keys = sorted.map(({ key }) => key)
  const read = await reader.read(Float64Array.from(keys))
  const held = await ground.held(HOME, keys)
  for (const [i, row] of sorted.entries()) {
    const said = storedVersions?.[i] ?? 0
    const version = said === 0 ? row.version : said
    expect(
      read.dots[i] === row.dot && read.versions[i] === version,
      () =>
        `Key ${row.key} was acknowledged with dot ${row.dot} and version ${version}, and a read of ${ground.dcNames[HOME]} right after it shows ${read.dots[i]} and ${read.versions[i]}.`,
    )
    const found = held.get(row.key)
    expect(
      found?.dot === row.dot && found.version === version,
      () =>
        `Key ${row.key} was acknowledged with dot ${row.dot} and version ${version}, and rows() gives ${found === undefined ? 'no such row' : `${found.dot} and ${found.version}`}.`,
    )
    expect(
      sameBytes(found.content, contentOf(row)),
      () =>
        `Key ${row.key} holds ${Buffer.from(found.content).toString('hex').slice(0, 80)}… where ${Buffer.from(contentOf(row)).toString('hex').slice(0, 80)}… was written.`,
    )
  }
}

const readsOwnWrites: Check = {
  name: 'reads-own-writes',
  sentence: 'an acknowledged write is there at home at once, with its dot, version and content',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground, mode } = context
    const insert = ground.keys(6, 'new').map((key) => ground.row(HOME, key, { operation: OPERATION.insert }))
    const update = mode.appendsOnly === true ? [] : ground.keys(6, 'loaded').map((key) => ground.row(HOME, key))
    for (const row of [...insert, ...update]) await writeAndCompare(context, [row])
    return undefined
  },
}

const batchSizes: Check = {
  name: 'batch-sizes',
  sentence: 'a batch of one row, of the mode’s size and of the largest that can be asked for is stored whole',
  level: 'mode',
  limitMs: 60_000,
  skip: unreadable,
  async run(context) {
    const { ground, mode } = context
    const sizes = mode.batchRows === 1 ? [1] : [...new Set([1, mode.batchRows, BATCH_ROWS_MAX])]
    let told = ''
    for (const size of sizes) {
      const rows = ground.keys(size, 'new').map((key) => ground.row(HOME, key, { operation: OPERATION.insert }))
      if (size > mode.batchRows) told = await writeMany(context, rows)
      else await writeAndCompare(context, rows)
    }
    return `${sizes.join(', ')} rows${told}`
  },
}

const bounds: Check = {
  name: 'bounds',
  sentence: 'texts of the least and the greatest length and the least and greatest ints come back as they were written',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run(context) {
    const { ground } = context
    const extremes = [
      { name: '', note: 'abc', amount: INT_MIN, tally: 0 },
      { name: ' '.repeat(NAME_BYTES_MAX), note: ' '.repeat(NOTE_BYTES_MAX), amount: INT_MAX, tally: 1000 },
      // What texts are written in elsewhere: quotes, separators, escapes, and what some formats take for null.
      { name: `'";,\\N\t{}$1%s`, note: 'null\n\r\n\0'.replaceAll('\0', '~'), amount: -1, tally: 1 },
      { name: 'NULL', note: '\\N\\.', amount: 0, tally: 0 },
    ]
    const keys = ground.keys(extremes.length, 'new')
    for (const [i, values] of extremes.entries()) {
      await writeAndCompare(context, [ground.row(HOME, keys[i], { operation: OPERATION.insert, values })])
    }
    return undefined
  },
}

const readsByPosition: Check = {
  name: 'reads-by-position',
  sentence: 'a read answers by position: in any order, absent keys with dot 0, a key asked twice twice, none with none',
  level: 'replication',
  limitMs: LIMIT_MS,
  skip: unreadable,
  async run({ ground, mode }) {
    const [absent, ...keys] = ground.keys(4, 'new')
    const rows = keys.map((key) => ground.row(HOME, key, { operation: OPERATION.insert }))
    await ground.mustStore(await ground.session(HOME, mode.name), rows)
    const asked = [2, 0, -1, 1, 2].map((i) => (i < 0 ? undefined : rows[i]))
    const reader = await ground.reader(HOME)
    const read = await reader.read(Float64Array.from(asked, (row) => row?.key ?? absent))
    const shown = [...read.dots].join(', ')
    const wanted = asked.map((row) => row?.dot ?? 0).join(', ')
    expect(
      shown === wanted,
      () => `A read of keys that are there and one that is not gave the dots ${shown} instead of ${wanted}.`,
    )
    const none = await reader.read(new Float64Array(0))
    expect(none.dots.length === 0 && none.versions.length === 0, () => 'A read of no keys gave rows.')
    return undefined
  },
}

const neverLowers: Check = {
  name: 'never-lowers',
  sentence:
    'a write whose version is not above the row’s is raised above it, and the answer says to what; where writes are declared blind it is beaten',
  level: 'mode',
  limitMs: LIMIT_MS,
  skip: unreadableOrAppends,
  async run({ ground, mode, system }) {
    const session = await ground.session(HOME, mode.name)
    const reader = await ground.reader(HOME)
    const keys = ground.keys(3, 'loaded')
    const first = keys.map((key) => ground.row(HOME, key))
    await ground.mustStore(session, first)
    // Far below, just below, and the very same.
    const below = [16_000_000, 16, 0]
    const second = first.map((row, i) => ground.row(HOME, row.key, { version: row.version - below[i] }))
    const { storedVersions } = await ground.mustStore(session, second)
    const read = await reader.read(Float64Array.from(keys))
    for (const [i, row] of second.entries()) {
      const held = `holds dot ${read.dots[i]} with version ${read.versions[i]}`
      if (system.replication.capabilities.blindWrites === true) {
        // A tie within one DC is decided by what the store compares: no writer of the harness makes one.
        const isBeaten = read.dots[i] === first[i].dot && read.versions[i] === first[i].version
        expect(
          below[i] === 0 || (isBeaten && storedVersions === undefined),
          () => `Key ${row.key} had version ${first[i].version}, was written with ${row.version}, and now ${held}.`,
        )
        continue
      }
      expect(read.dots[i] === row.dot, () => `Key ${row.key} took a write with a lower version, said ok, and ${held}.`)
      expect(
        read.versions[i] > first[i].version,
        () =>
          `Key ${row.key} had version ${first[i].version}, was written with ${row.version}, and now ${held}: a version went back.`,
      )
      expect(
        read.versions[i] % 16 === ground.dcs[HOME].index,
        () => `Key ${row.key} ${held}, whose low four bits are not the index of the DC that wrote it.`,
      )
      expect(
        storedVersions?.[i] === read.versions[i],
        () =>
          `Key ${row.key} ${held}, and the answer said ${storedVersions?.[i] ?? 'nothing'} of it in storedVersions.`,
      )
    }
    return system.replication.capabilities.blindWrites === true ? 'beaten' : undefined
  },
}

export const WRITE_CHECKS: readonly Check[] = [readsByPosition, readsOwnWrites, batchSizes, bounds, neverLowers]
