// For tests, a program: polls a node of the lsm driver for the dots of a whole table, with a protocol of its own hand: a
// greeting, then one read request after another.
//
//   frame    = length u32 (of what follows) · type u8 · id u32 · body                 little-endian
//   greeting = type 1: "GNW1" · role u8 (1, a client) · DC u8 · secret; answered by type 65
//   read     = type 3: keys f64; answered by type 67: dots f64, then versions f64
import { once } from 'node:events'
import { connect } from 'node:net'
import { poll } from './poll.fixture.ts'

function frame(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUInt32LE(5 + body.length, 0)
  head[4] = type
  head.writeUInt32LE(1, 5)
  return Buffer.concat([head, body])
}

await poll(async ({ host, port, secret, keys, dcIndex }) => {
  const socket = connect(port, host)
  socket.setNoDelay(true)
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let answered: ((body: Buffer) => void) | undefined
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 4 || received.length < 4 + received.readUInt32LE(0)) return
    // Never more than one question is under way.
    const answer = received
    received = Buffer.alloc(0)
    answered?.(answer)
  })
  const ask = async (type: number, body: Buffer): Promise<Buffer> => {
    const answering = new Promise<Buffer>((resolve) => (answered = resolve))
    socket.write(frame(type, body))
    const answer = await answering
    if (answer[4] !== type + 64) throw new Error(`an answer of type ${answer[4]} to ${type}`)
    return answer.subarray(9)
  }
  await ask(1, Buffer.concat([Buffer.from('GNW1'), Buffer.from([1, dcIndex]), Buffer.from(secret)]))
  const asked = Buffer.alloc(8 * keys)
  for (let key = 0; key < keys; key++) asked.writeDoubleLE(key, 8 * key)
  return async () => {
    const body = await ask(3, asked)
    return Float64Array.from({ length: keys }, (_, key) => body.readDoubleLE(8 * key))
  }
})
