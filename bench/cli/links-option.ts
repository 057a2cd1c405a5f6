// Links that differ from the others: `--link 'us-east>ap-south: 90ms, 2ms jitter, 50MB/s'`, or the same as objects in a file.
import { z } from 'zod'
import { BenchError } from '../contract/errors.ts'
import type { LinkAsked } from '../contract/scenario.ts'
import { suggestion } from '../lib/nearest.ts'
import { bytesPerSecond, durationMs } from './units.ts'

/** The longest delay of a link, one way. */
export const DELAY_MS_MAX = 10_000
/** Below this nothing useful crosses a link in the time of a run. */
const BANDWIDTH_BYTES_MIN = 1000
const EXAMPLE = "for example --link 'us-east>ap-south: 90ms, 2ms jitter, 50MB/s'"

/** A link in a scenario file; `both` means the other direction too. */
const linkObject = z.strictObject({
  from: z.string(),
  to: z.string(),
  both: z.boolean().optional(),
  delay: z.string().optional(),
  jitter: z.string().optional(),
  bandwidth: z.string().optional(),
})
type LinkObject = z.infer<typeof linkObject>
/** Its text, or what a file says, still unchecked. */
export type LinkGiven = string | Readonly<Record<string, unknown>>

function refuse(link: string, why: string): never {
  throw new BenchError('USAGE', `--link ${link} ${why}.`)
}

function dcNamed(name: string, dcs: readonly string[], link: string): string {
  if (!dcs.includes(name)) {
    throw new BenchError(
      'USAGE',
      `--link ${link} names the DC ${name}, which is not in --dcs: ${suggestion(name, dcs)}`,
    )
  }
  return name
}

/** The text of one link as an object; its quantities may come in any order. */
function objectOf(link: string): LinkObject {
  const parts = /^\s*([^\s<>:]+)\s*(<?>)\s*([^\s<>:]+)\s*:(.*)$/s.exec(link)
  if (parts === null) refuse(link, `is not <dc>’>’<dc>: <delay>, … — ${EXAMPLE}; <> means both directions`)
  const [, from, arrow, to, text] = parts
  const found: { delay?: string; jitter?: string; bandwidth?: string } = {}
  for (const part of text.split(',').map((one) => one.trim())) {
    const match = /^(\S.*?)(?:\s+(delay|jitter|bandwidth))?$/.exec(part)
    if (match === null) refuse(link, `has an empty part; ${EXAMPLE}`)
    const [, value, word] = match
    const name = (word ?? (durationMs(value) === undefined ? 'bandwidth' : 'delay')) as keyof typeof found
    if (found[name] !== undefined) refuse(link, `gives its ${name} twice`)
    found[name] = value
  }
  return { from, to, both: arrow === '<>', ...found }
}

/** Reads the object of a scenario file. */
function checkedObject(given: Readonly<Record<string, unknown>>): LinkObject {
  const parsed = linkObject.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const link = JSON.stringify(given)
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    throw new BenchError(
      'USAGE',
      `A link has no ${key} (in ${link}): ${suggestion(key, Object.keys(linkObject.shape))}`,
    )
  }
  const wanted = issue.path[0] === 'both' ? 'true or false' : 'text with its unit, or a name'
  return refuse(link, `needs ${String(issue.path[0])} as ${wanted}`)
}

/** The text of a link that was given as an object, for errors. */
function textOf({ from, to, both, delay, jitter, bandwidth }: LinkObject): string {
  const quantities = [delay, jitter === undefined ? undefined : `${jitter} jitter`, bandwidth]
  return `'${from}${both === true ? '<>' : '>'}${to}: ${quantities.filter((part) => part !== undefined).join(', ')}'`
}

function quantity<T>(text: string | undefined, read: (text: string) => T | undefined, wanted: string, link: string) {
  if (text === undefined) return undefined
  const value = read(text)
  if (value === undefined) refuse(link, `has "${text}" where ${wanted} belongs`)
  return value
}

const delayOf = (text: string): number | undefined => {
  const ms = durationMs(text)
  return ms === undefined || ms > DELAY_MS_MAX ? undefined : ms
}

/** A bandwidth in bytes a second, null for unlimited; undefined when it is neither. */
export function bandwidthOf(text: string): number | null | undefined {
  if (text.trim() === 'unlimited') return null
  const bytes = bytesPerSecond(text)
  return bytes === undefined || bytes < BANDWIDTH_BYTES_MIN ? undefined : bytes
}

/** The directed links asked for, later ones last. Throws USAGE with one sentence for the first that is wrong. */
export function linksOf(given: readonly LinkGiven[], dcs: readonly string[]): LinkAsked[] {
  return given.flatMap((one) => {
    const object = typeof one === 'string' ? objectOf(one) : checkedObject(one)
    const link = typeof one === 'string' ? `'${one}'` : textOf(object)
    const from = dcNamed(object.from, dcs, link)
    const to = dcNamed(object.to, dcs, link)
    if (from === to) refuse(link, 'leads to where it comes from; name two DCs')
    const duration = `a duration of at most ${DELAY_MS_MAX / 1000} s with its unit, such as 90ms,`
    const delayMs = quantity(object.delay, delayOf, duration, link)
    const jitterMs = quantity(object.jitter, delayOf, duration, link)
    const bandwidth = 'a bandwidth of at least 1KB/s such as 50MB/s or 400Mbit/s, or unlimited,'
    const bandwidthBytesPerSecond = quantity(object.bandwidth, bandwidthOf, bandwidth, link)
    if (delayMs === undefined && jitterMs === undefined && bandwidthBytesPerSecond === undefined) {
      refuse(link, `says nothing of the link; ${EXAMPLE}`)
    }
    const asked = { from, to, delayMs, jitterMs, bandwidthBytesPerSecond }
    return object.both === true ? [asked, { ...asked, from: to, to: from }] : [asked]
  })
}
