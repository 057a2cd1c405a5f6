// What a node tells in JSON, read: anything may stand in an answer, and only what has its shape is taken for one.
import { isFields } from '../../../bench/lib/fields.ts'
import { MalformedFrame } from './frame.ts'
import { type NodeStatus, isIdentity } from './message.ts'
import type { NodePlanted } from './planted.ts'

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): boolean => typeof value === 'number' && isIdentity(value)
/** Counters may be figures of an engine, with fractions. */
const isFigure = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const allAre = (value: unknown, is: (each: unknown) => boolean): boolean =>
  isFields(value) && Object.values(value).every(is)

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new MalformedFrame(`${body.length} bytes that are no JSON`)
  }
}

const isPeer = (peer: unknown): boolean =>
  isFields(peer) &&
  isText(peer.dc) &&
  isCount(peer.acknowledgedRows) &&
  isCount(peer.appliedRows) &&
  typeof peer.streaming === 'boolean' &&
  typeof peer.following === 'boolean'

/** Throws MalformedFrame where it is none. */
export function decodeStatus(body: Buffer): NodeStatus {
  const status = parsed(body)
  const isStatus =
    isFields(status) &&
    isText(status.dc) &&
    isText(status.version) &&
    allAre(status.settings, isText) &&
    isCount(status.headRows) &&
    Array.isArray(status.peers) &&
    status.peers.every(isPeer) &&
    allAre(status.counters, isFigure)
  if (!isStatus) throw new MalformedFrame('a status without what belongs in one')
  return status as unknown as NodeStatus
}

/** Throws MalformedFrame where it is none. */
export function decodePlanted(body: Buffer): readonly NodePlanted[] {
  const planted = parsed(body)
  const isPlanted = (fault: unknown): boolean =>
    isFields(fault) &&
    isText(fault.name) &&
    isText(fault.meaning) &&
    isText(fault.metric) &&
    isCount(fault.rows) &&
    Array.isArray(fault.standing) &&
    fault.standing.every(isCount)
  if (!Array.isArray(planted) || !planted.every(isPlanted)) throw new MalformedFrame('a list of faults that is none')
  return planted as NodePlanted[]
}
