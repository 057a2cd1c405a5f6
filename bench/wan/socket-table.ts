// The kernel's own counts of the TCP connections of a network namespace, as `ss` of iproute2 prints them.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** One line a connection, numbers for names, no header, with what the kernel counts of it. */
const ARGUMENTS = ['--tcp', '--numeric', '--info', '--no-header', '--oneline']
const ANSWER_WITHIN_MS = 5000
const OUTPUT_BYTES_MAX = 16 << 20

/** A connection as one of its ends sees it. */
export interface TcpSocket {
  /** `host:port`. */
  readonly local: string
  readonly peer: string
  readonly established: boolean
  /** Payload that the peer's kernel has acknowledged. */
  readonly acknowledgedBytes: number
  /** Payload that came from the peer. */
  readonly receivedBytes: number
}

/** An IPv4 address that a socket for both families shows as `[::ffff:10.0.0.1]:80`. */
const plain = (address: string): string => address.replace(/^\[::ffff:([\d.]+)\]/, '$1')

function count(line: string, name: string): number {
  const [, value = '0'] = new RegExp(`\\b${name}:(\\d+)`).exec(line) ?? []
  return Number(value)
}

/** The connections in what `ss` printed. */
export function parseSockets(text: string): readonly TcpSocket[] {
  return text.split('\n').flatMap((line) => {
    const [state, , , local, peer] = line.trim().split(/\s+/)
    if (peer === undefined) return []
    return [
      {
        local: plain(local),
        peer: plain(peer),
        established: state === 'ESTAB',
        acknowledgedBytes: count(line, 'bytes_acked'),
        receivedBytes: count(line, 'bytes_received'),
      },
    ]
  })
}

/** All connections now, some 3 ms. Rejects where there is no `ss`. */
export async function readSockets(): Promise<readonly TcpSocket[]> {
  const { stdout } = await run('ss', ARGUMENTS, { timeout: ANSWER_WITHIN_MS, maxBuffer: OUTPUT_BYTES_MAX })
  return parseSockets(stdout)
}
