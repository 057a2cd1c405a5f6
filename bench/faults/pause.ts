// Services stand still where they are, as under a long garbage collection or a frozen machine; their connections stay open.
import type { FaultKind } from './fault-kind.ts'

export const pause: FaultKind = {
  name: 'pause',
  meaning: 'SIGSTOP for a DC’s stores, a named service or the relay of a pair’s links; SIGCONT when it is over',
  example: 'pause eu-west/cdc at=5s for=3s',
  targets: ['dc', 'service', 'pair'],
  touches: 'process',
  begin: async ({ services }, ground) => {
    await Promise.all(services.map((service) => ground.pause(service)))
  },
  end: async ({ services }, ground) => {
    await Promise.all(services.map((service) => ground.resume(service)))
  },
}
