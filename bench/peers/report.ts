// What the comparisons found, as lines for people and as a document for machines.
import { EXIT } from '../contract/errors.ts'
import { machine } from '../measure/resources.ts'
import type { Colors } from '../report/colors.ts'
import type { Result, Turns } from './compare.ts'
import { headroom, type Reading } from './gauge.ts'
import { rateOf } from './ratio.ts'

const NAME_WIDTH = 24

const ratioText = (value: number): string => value.toFixed(3)

function rateText(rate: number): string {
  return rate >= 100 ? Math.round(rate).toLocaleString('en-US') : rate.toPrecision(3)
}

/** One line of a comparison. */
export function resultLine(result: Result, colors: Colors): string {
  const { name, per, peer, unit, target, holds, measured, missing } = result
  if (measured === null) return missingLine(name, missing, colors)
  const mark = markOf(holds, 'LOW ', colors)
  const { ratio, low, high, confidence, pairs, geowriteRate, peerRate } = measured
  const wanted = target === null ? 'reported' : `≥ ${target}`
  const spread = `${ratioText(low)} … ${ratioText(high)}`
  const basis = `${pairs.length} pairs, ${Math.floor(100 * confidence)} %`
  return [
    `${mark} ${name.padEnd(NAME_WIDTH)} ${colors.strong(ratioText(ratio))} (${spread}; ${basis}) ${wanted}`,
    `: ${unit} per ${per} `,
    colors.faint(`${rateText(geowriteRate)} geowrite, ${rateText(peerRate)} ${peer}`),
  ].join('')
}

/** One line of a gauge. */
export function readingLine(reading: Reading, colors: Colors): string {
  const { name, what, unit, target, holds, measured, missing } = reading
  if (measured === null) return missingLine(name, missing, colors)
  const { figure, low, high, confidence, values } = measured
  const wanted = target === null ? 'reported' : `${target.is === 'least' ? '≥' : '≤'} ${rateText(target.bound)}`
  const basis = `${values.length} times, ${Math.floor(100 * confidence)} %`
  return [
    `${markOf(holds, target?.is === 'most' ? 'HIGH' : 'LOW ', colors)} ${name.padEnd(NAME_WIDTH)} `,
    `${colors.strong(rateText(figure))} (${rateText(low)} … ${rateText(high)}; ${basis}) ${wanted}: ${unit} `,
    colors.faint(what),
  ].join('')
}

const missingLine = (name: string, missing: string | undefined, colors: Colors): string =>
  `${colors.doubtful('n/a ')} ${name.padEnd(NAME_WIDTH)} ${missing ?? 'not measured'}`

function markOf(holds: boolean | null, missed: string, colors: Colors): string {
  return holds === null ? '    ' : holds ? colors.good('ok  ') : colors.bad(missed)
}

/** 1 where a target is missed; 69 where nothing could be measured; 2 where a target could not be judged. */
export function exitOf(results: readonly (Result | Reading)[]): number {
  if (results.some(({ holds }) => holds === false)) return EXIT.failed
  if (results.every(({ measured }) => measured === null)) return EXIT.unavailable
  return results.some(({ target, holds }) => target !== null && holds === null) ? EXIT.invalid : EXIT.done
}

/** All rows; `what, ratio, low, high, target, holds` each, and what they were made of. Of a gauge the ratio is its headroom. */
export function resultsJson(
  results: readonly Result[],
  readings: readonly Reading[],
  turns: Turns,
  seed: number,
): string {
  const rows = [...results.map(comparisonRow), ...readings.map(gaugeRow)]
  return `${JSON.stringify({ format: 1, seed, ...turns, machine: machine(), rows }, undefined, 2)}\n`
}

function comparisonRow({ name, what, peer, unit, per, target, holds, measured, missing }: Result) {
  return {
    name,
    what: `${what}: ${unit} per ${per}`,
    peer,
    ratio: measured?.ratio ?? null,
    low: measured?.low ?? null,
    high: measured?.high ?? null,
    target,
    holds,
    unit,
    per,
    confidence: measured?.confidence ?? null,
    geowriteRate: measured?.geowriteRate ?? null,
    peerRate: measured?.peerRate ?? null,
    pairs: measured?.pairs.map(({ geowrite, peer: other }) => [rateOf(geowrite, per), rateOf(other, per)]) ?? [],
    ...(missing === undefined ? {} : { missing }),
  }
}

function gaugeRow(reading: Reading) {
  const { name, what, unit, target, holds, measured, missing } = reading
  const ratioOf = (value: number) => headroom(reading, value)
  const bounds = measured === null ? [] : [ratioOf(measured.low), ratioOf(measured.high)]
  if (target?.is === 'most') bounds.reverse()
  return {
    name,
    what: `${what}: ${unit}`,
    ratio: measured === null ? null : ratioOf(measured.figure),
    low: bounds[0] ?? null,
    high: bounds[1] ?? null,
    target: target === null ? null : 1,
    holds,
    unit,
    bound: target,
    confidence: measured?.confidence ?? null,
    figure: measured?.figure ?? null,
    values: measured?.values ?? [],
    ...(missing === undefined ? {} : { missing }),
  }
}
