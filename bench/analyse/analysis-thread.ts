// What runs in a thread that shares the work of an analysis: it does what it is told and answers with what it found.
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../contract/errors.ts'
import { endingOf } from '../contract/machine-limits.ts'
import type { ThreadAnswer, ThreadOrder } from './analysis-threads.ts'
import { LedgerPass } from './ledger-pass.ts'

let pass: LedgerPass | undefined

function follow(order: ThreadOrder): ThreadAnswer {
  try {
    if (order.type === 'read') {
      pass = new LedgerPass(order.ledger)
      return { type: 'read', traffic: pass.read(order.ledger.probes) }
    }
    if (pass === undefined) throw new TypeError('parts are walked by those who read the ledger')
    return { type: 'walked', parts: pass.walk(order.walk) }
  } catch (error) {
    const known = endingOf(error)
    return { type: 'failed', why: messageOf(known ?? error), code: known?.code ?? 'BUG' }
  }
}

parentPort?.on('message', (order: ThreadOrder) => {
  parentPort?.postMessage(follow(order))
})
