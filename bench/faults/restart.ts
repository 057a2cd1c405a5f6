// Services are asked to end, as for an upgrade, and are started again.
import { startAll, type FaultKind } from './fault-kind.ts'

export const restart: FaultKind = {
  name: 'restart',
  meaning:
    'a DC’s stores, a named service or the relay of a pair’s links stop in their own time; started again when it is over',
  example: 'restart us-east at=5s for=1s',
  targets: ['dc', 'service', 'pair'],
  touches: 'process',
  begin: async ({ services }, ground) => {
    await Promise.all(services.map((service) => ground.stop(service)))
  },
  end: startAll,
}
