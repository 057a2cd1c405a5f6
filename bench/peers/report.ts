// What the comparisons found, as lines for people and as a document for machines.
import { EXIT } from '../contract/errors.ts'
import { machine } from '../measure/resources.ts'
import type { Colors } from '../report/colors.ts'
import type { Result, Turns } from './compare.ts'
import { rateOf } from './ratio.ts'

const NAME_WIDTH = 24

const ratioText = (value: number): string => value.toFixed(3)

function rateText(rate: number): string {
  return rate >= 100 ? Math.round(rate).toLocaleString('en-US') : rate.toPrecision(3)
}

/** One line of a comparison. */
export function resultLine(result: Result, colors: Colors): string {
  const { name, per, peer, unit, target, holds, measured, missing } = result
  if (measured === null) return `${colors.doubtful('n/a ')} ${name.padEnd(NAME_WIDTH)} ${missing ?? 'not measured'}`
  const mark = holds === null ? '    ' : holds ? colors.good('ok  ') : colors.bad('LOW ')
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

/** 1 where a target is missed; 69 where nothing could be measured; 2 where a target could not be judged. */
export function exitOf(results: readonly Result[]): number {
  if (results.some(({ holds }) => holds === false)) return EXIT.failed
  if (results.every(({ measured }) => measured === null)) return EXIT.unavailable
  return results.some(({ target, holds }) => target !== null && holds === null) ? EXIT.invalid : EXIT.done
}

/** All results; `what, ratio, low, high, target, holds` a row, and what they were made of. */
export function resultsJson(results: readonly Result[], turns: Turns, seed: number): string {
  const rows = results.map(({ name, what, peer, unit, per, target, holds, measured, missing }) => ({
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
  }))
  return `${JSON.stringify({ format: 1, seed, ...turns, machine: machine(), rows }, undefined, 2)}\n`
}
