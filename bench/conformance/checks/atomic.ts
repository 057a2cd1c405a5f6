// Whether readers ever see a part of an atomic batch.
import { expect, unreadableOrAppends, type Check } from '../check.ts'

const HOME = 0

export const atomicBatches: Check = {
  name: 'atomic-batches',
  sentence: 'no reader at home ever sees a part of an atomic batch',
  level: 'mode',
  limitMs: 30_000,
  skip: (system, mode) =>
    unreadableOrAppends(system, mode) ??
    (!system.replication.capabilities.transactions
      ? 'it declares no transactions'
      : mode.batchRows === 1
        ? 'the mode sends row by row'
        : undefined),
  async run({ ground, mode }) {
    const session = await ground.session(HOME, mode.name)
    const reader = await ground.reader(HOME)
    const keys = ground.keys(40, 'loaded')
    const state = { isWriting: true }
    const writing = (async () => {
      try {
        for (let round = 0; round < 25; round++) {
          await ground.mustStore(
            session,
            keys.map((key) => ground.row(HOME, key)),
            true,
          )
        }
      } finally {
        state.isWriting = false
      }
    })()
    writing.catch(() => undefined)
    let reads = 0
    while (state.isWriting) {
      const { dots } = await reader.read(Float64Array.from(keys))
      // Dots of a batch are consecutive.
      const whole = dots.every((dot, i) => dot === dots[0] + i)
      expect(whole, () => `A read showed rows of different atomic batches: dots ${dots.slice(0, 6).join(', ')} …`)
      reads++
    }
    await writing
    return `25 batches under ${reads} reads`
  },
}
