// Services end as in a crash, all their processes at once, and are started again on what they had stored.
import { startAll, type FaultKind } from './fault-kind.ts'

export const kill: FaultKind = {
  name: 'kill',
  meaning: 'SIGKILL for a DC’s stores, a named service or the relay of a pair’s links; started again when it is over',
  example: 'kill eu-west at=5s for=2s',
  targets: ['dc', 'service', 'pair'],
  touches: 'process',
  begin: async ({ services }, ground) => {
    await Promise.all(services.map((service) => ground.kill(service)))
  },
  end: startAll,
}
