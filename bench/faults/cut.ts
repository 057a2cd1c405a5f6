// One direction holds every byte while the other flows: requests arrive and their answers don't, or the other way round.
import { setCondition, type FaultKind } from './fault-kind.ts'

export const cut: FaultKind = {
  name: 'cut',
  meaning: 'one direction holds every byte until it heals, while the other flows',
  example: 'cut us-east>eu-west at=5s for=5s',
  targets: ['link'],
  touches: 'condition',
  begin: (fault, ground) => setCondition(fault, ground, 'hold'),
  end: (fault, ground) => setCondition(fault, ground, 'open'),
}
