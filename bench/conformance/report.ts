// What the suite found, as lines for people and as a document for machines.
import { EXIT } from '../contract/errors.ts'
import type { Colors } from '../report/colors.ts'
import type { CheckResult, Finding } from './check.ts'
import { CHECK_NAMES } from './suite.ts'

const NAME_WIDTH = Math.max(...CHECK_NAMES.map((name) => name.length))

/** One finding on a line; a failure says below it what should hold. */
export function findingLine({ check, mode, sentence, result, detail, ms }: Finding, colors: Colors): string {
  const mark = { pass: colors.good('pass'), fail: colors.bad('FAIL'), skip: colors.faint('skip') }[result]
  const name = check.padEnd(NAME_WIDTH)
  const where = mode === '' ? '' : ` ${colors.faint(`[${mode}]`)}`
  const took = ms >= 1000 ? ` ${colors.faint(`${(ms / 1000).toFixed(1)} s`)}` : ''
  const detailed = detail === '' ? '' : ` (${detail})`
  if (result === 'pass') return `  ${mark}  ${name} ${sentence}${where}${colors.faint(detailed)}${took}`
  if (result === 'skip') return `  ${mark}  ${colors.faint(`${name} ${detail}`)}${where}`
  const indent = ' '.repeat(NAME_WIDTH + 9)
  return `  ${mark}  ${colors.strong(name)} ${detail}${where}${took}\n${indent}${colors.faint(`should hold: ${sentence}`)}`
}

const count = (findings: readonly Finding[], result: CheckResult): number =>
  findings.filter((finding) => finding.result === result).length

/** The last line: how many of each. */
export function closingLine(findings: readonly Finding[]): string {
  return `${count(findings, 'pass')} passed, ${count(findings, 'fail')} failed, ${count(findings, 'skip')} skipped`
}

/** 1 where a check failed. */
export function exitOf(findings: readonly Finding[]): number {
  return count(findings, 'fail') > 0 ? EXIT.failed : EXIT.done
}

export function findingsJson(findings: readonly Finding[], seed: number): string {
  const counts = { pass: count(findings, 'pass'), fail: count(findings, 'fail'), skip: count(findings, 'skip') }
  const told = findings.map((finding) => ({ ...finding, ms: Math.round(finding.ms) }))
  return `${JSON.stringify({ format: 1, seed, ...counts, findings: told }, undefined, 2)}\n`
}
