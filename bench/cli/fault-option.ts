// Faults as people write them: `--fault='kill eu-west at=5s for=2s'`.
import { BenchError } from '../contract/errors.ts'
import { FAULT_KINDS, type FaultKindName, type FaultPlan, type FaultTarget } from '../contract/fault.ts'
import type { FaultKind } from '../faults/fault-kind.ts'
import { KINDS } from '../faults/kinds.ts'
import { suggestion } from '../lib/nearest.ts'
import { bandwidthOf, DELAY_MS_MAX } from './links-option.ts'
import { durationMs } from './units.ts'

/** Other words for kinds. */
const WORDS: Readonly<Record<string, FaultKindName>> = {
  ...Object.fromEntries(FAULT_KINDS.map((kind) => [kind, kind])),
  partition: 'blackhole',
}

const TARGET_EXAMPLES: Readonly<Record<FaultTarget['type'], string>> = {
  pair: 'two DCs (us-east|eu-west)',
  link: 'one direction (us-east>eu-west)',
  dc: 'a DC (eu-west)',
  service: 'a service of a DC (eu-west/cdc)',
}

function refuse(fault: string, why: string): never {
  throw new BenchError('USAGE', `--fault '${fault}' ${why}`)
}

/** The faults of a scenario. Throws USAGE with one sentence for the first thing that is wrong. */
export function faultsOf(given: readonly string[], dcs: readonly string[], phaseMs: number): FaultPlan[] {
  const seen = new Map<string, number>()
  return given.map((text) => {
    const fault = faultOf(text.trim().replaceAll(/\s+/g, ' '), dcs, phaseMs)
    const times = (seen.get(fault.name) ?? 0) + 1
    seen.set(fault.name, times)
    return times === 1 ? fault : { ...fault, name: `${fault.name} #${times}` }
  })
}

function faultOf(text: string, dcs: readonly string[], phaseMs: number): FaultPlan {
  const [word, targetText = '', ...pairs] = text.split(' ')
  const kindName = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined
  if (kindName === undefined) refuse(text, `is of no known kind: ${suggestion(word, Object.keys(WORDS))}`)
  const kind = KINDS[kindName]
  const target = targetOf(text, targetText, kind, dcs)
  const said = valuesOf(text, pairs, kind)
  const startMs = timeOf(text, said, 'at', kind)
  const lengthMs = timeOf(text, said, 'for', kind)
  if (startMs + lengthMs > phaseMs) {
    refuse(
      text,
      `ends after the measured phase of ${phaseMs / 1000} s: begin earlier, or measure longer with --duration.`,
    )
  }
  if (startMs === 0) {
    refuse(text, 'begins with the measured phase, so that there is nothing before it to compare with: begin later.')
  }
  const common = { kind: kindName, target, startMs, lengthMs }
  if (kindName !== 'slow') return { name: `${word} ${targetText}`, ...common }
  return {
    name: [word, targetText, ...pairs.filter((pair) => !/^(at|for)=/.test(pair))].join(' '),
    ...common,
    ...speedOf(text, said),
  }
}

function targetOf(fault: string, text: string, kind: FaultKind, dcs: readonly string[]): FaultTarget {
  const target = readTarget(text)
  if (target === undefined || !kind.targets.includes(target.type)) {
    const wanted = kind.targets.map((type) => TARGET_EXAMPLES[type]).join(' or ')
    refuse(fault, `needs ${wanted} as its target, as in '${kind.example}'.`)
  }
  const named = 'dc' in target ? [target.dc] : target.type === 'pair' ? [target.a, target.b] : [target.from, target.to]
  for (const name of named) {
    if (!dcs.includes(name)) refuse(fault, `names ${name}, which is not in --dcs: ${suggestion(name, dcs)}`)
  }
  if (named.length === 2 && named[0] === named[1]) refuse(fault, 'names one DC twice: a link leads to another.')
  return target
}

function readTarget(text: string): FaultTarget | undefined {
  const [, first, sign, second] = /^([^|>/]+)(?:([|>/])(.+))?$/.exec(text) ?? []
  if (first === undefined) return undefined
  if (sign === undefined) return { type: 'dc', dc: first }
  if (sign === '|') return { type: 'pair', a: first, b: second }
  if (sign === '>') return { type: 'link', from: first, to: second }
  return { type: 'service', dc: first, service: second }
}

function valuesOf(fault: string, pairs: readonly string[], kind: FaultKind): ReadonlyMap<string, string> {
  const known = ['at', 'for', ...(kind.name === 'slow' ? ['delay', 'bandwidth'] : [])]
  const values = new Map<string, string>()
  for (const pair of pairs) {
    const [, name, value] = /^([a-z]+)=(.+)$/.exec(pair) ?? []
    if (name === undefined) refuse(fault, `has "${pair}" where <name>=<value> belongs, as in '${kind.example}'.`)
    if (!known.includes(name)) refuse(fault, `has no value ${name}: ${suggestion(name, known)}`)
    if (values.has(name)) refuse(fault, `gives ${name} twice: give it once.`)
    values.set(name, value)
  }
  return values
}

function timeOf(fault: string, said: ReadonlyMap<string, string>, name: 'at' | 'for', kind: FaultKind): number {
  const text = said.get(name)
  if (text === undefined) refuse(fault, `lacks ${name}=<time>, as in '${kind.example}'.`)
  const ms = durationMs(text)
  if (ms === undefined) refuse(fault, `has ${name}=${text}, which is not a duration with its unit, such as 5s.`)
  return ms
}

function speedOf(
  fault: string,
  said: ReadonlyMap<string, string>,
): Pick<FaultPlan, 'delayMs' | 'bandwidthBytesPerSecond'> {
  const [delay, bandwidth] = [said.get('delay'), said.get('bandwidth')]
  if (delay === undefined && bandwidth === undefined) {
    refuse(fault, `says nothing of the speed: give delay=200ms, bandwidth=1MB/s or both.`)
  }
  const delayMs = delay === undefined ? undefined : durationMs(delay)
  if (delay !== undefined && (delayMs === undefined || delayMs > DELAY_MS_MAX)) {
    refuse(fault, `has delay=${delay}, which is not a duration of at most ${DELAY_MS_MAX / 1000} s, such as 200ms.`)
  }
  const bytes = bandwidth === undefined ? undefined : bandwidthOf(bandwidth)
  if (bandwidth !== undefined && (bytes === undefined || bytes === null)) {
    refuse(fault, `has bandwidth=${bandwidth}, which is not a bandwidth of at least 1KB/s, such as 1MB/s.`)
  }
  return {
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(bytes === undefined || bytes === null ? {} : { bandwidthBytesPerSecond: bytes }),
  }
}
