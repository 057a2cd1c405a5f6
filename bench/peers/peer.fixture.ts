// A peer process for tests: does as much a turn as it was told, fails at a negative amount, hangs at zero, dies at NaN.
import { servePeer } from './serve-peer.ts'

servePeer<{ readonly amount: number | null }>(async ({ amount }) => async () => {
  if (amount === null) process.exit(3)
  if (amount < 0) throw new Error('the work failed')
  if (amount === 0) await new Promise(() => setInterval(() => undefined, 1000))
  return amount
})
