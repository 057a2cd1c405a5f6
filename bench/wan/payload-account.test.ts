// Bytes put together from what the kernel and Toxiproxy each know, as both print it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endedBytesIn, PayloadAccount } from './payload-account.ts'
import { parseSockets } from './socket-table.ts'
import type { RelayRoute } from './link-state.ts'

const ROUTE: RelayRoute = {
  from: 'a',
  to: 'b',
  listen: { host: '0.0.0.0', port: 7001 },
  target: { host: '10.1.0.3', port: 5432 },
  counted: true,
}

/** A connection through the link as its two sockets: what the initiator sent, what of it arrived, what came back of what was answered. */
function through(port: number, bytes: { sent: number; arrived: number; answered: number; back: number }): string {
  const info = 'cubic wscale:7,7 rto:204 segs_out:3'
  return [
    `ESTAB 0 0 [::ffff:10.0.0.2]:7001 [::ffff:10.0.0.9]:${port} ${info} bytes_sent:9999 bytes_acked:${bytes.back} bytes_received:${bytes.sent}`,
    // The handshake of who dialled is acknowledged as a byte.
    `ESTAB 0 7 10.1.0.2:${port} 10.1.0.3:5432 ${info} bytes_sent:9999 bytes_acked:${bytes.arrived + 1} bytes_received:${bytes.answered}`,
  ].join('\n')
}

const NOTHING_ENDED = endedBytesIn('', () => 0)

function figures(account: PayloadAccount): readonly number[] {
  const [there, back] = [account.crossed(0, 'upstream'), account.crossed(0, 'downstream')]
  return [there.bytes, back.bytes, there.heldBytes, back.heldBytes, account.connections(0)]
}

test('what arrived counts in each direction, and what has not is held', () => {
  const account = new PayloadAccount([ROUTE])
  assert.deepEqual(figures(account), [0, 0, 0, 0, 0])
  const strangers = 'ESTAB 0 0 10.0.0.2:8474 10.0.0.1:40000 bytes_acked:1000 bytes_received:1000'
  const one = through(50_001, { sent: 130, arrived: 100, answered: 50, back: 20 })
  const other = through(50_002, { sent: 7, arrived: 7, answered: 3, back: 3 })
  account.take(parseSockets([one, strangers, other, ''].join('\n')), NOTHING_ENDED)
  assert.deepEqual(figures(account), [107, 23, 30, 30, 2])
})

test('a connection that is gone keeps what was last seen of it, or what Toxiproxy says that it had', () => {
  const account = new PayloadAccount([ROUTE])
  account.take(parseSockets(through(50_001, { sent: 100, arrived: 100, answered: 40, back: 40 })), NOTHING_ENDED)
  account.take([], NOTHING_ENDED)
  assert.deepEqual(figures(account), [100, 40, 0, 0, 0])
  // The same port again, for a new connection.
  account.take(parseSockets(through(50_001, { sent: 10, arrived: 10, answered: 4, back: 4 })), NOTHING_ENDED)
  account.take(parseSockets(through(50_001, { sent: 2, arrived: 2, answered: 1, back: 1 })), NOTHING_ENDED)
  assert.deepEqual(figures(account), [112, 45, 0, 0, 1])
  const metrics = [
    '# TYPE toxiproxy_proxy_received_bytes_total counter',
    'toxiproxy_proxy_received_bytes_total{direction="downstream",listener="0.0.0.0:7001",proxy="route-0",upstream="10.1.0.3:5432"} 44',
    'toxiproxy_proxy_received_bytes_total{direction="upstream",listener="0.0.0.0:7001",proxy="route-0",upstream="10.1.0.3:5432"} 1.5e+03',
    'toxiproxy_proxy_received_bytes_total{direction="upstream",listener="0.0.0.0:7002",proxy="route-1",upstream="10.1.0.4:5432"} 9e+09',
    'toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="0.0.0.0:7001",proxy="route-0",upstream="10.1.0.3:5432"} 8e+09',
  ].join('\n')
  account.take(
    [],
    endedBytesIn(metrics, (proxy) => Number(proxy.slice(-1))),
  )
  // Short ones between two looks: Toxiproxy had more there, and less back than was seen.
  assert.deepEqual(figures(account), [1500, 45, 0, 0, 0])
})
