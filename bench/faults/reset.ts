// Every connection between two DCs is reset, and new ones are refused until it is over: bytes under way are lost.
import { setCondition, type FaultKind } from './fault-kind.ts'

export const reset: FaultKind = {
  name: 'reset',
  meaning: 'every connection between two DCs is reset, and new ones are refused until it is over',
  example: 'reset us-east|eu-west at=5s for=2s',
  targets: ['pair'],
  touches: 'condition',
  begin: (fault, ground) => setCondition(fault, ground, 'reset'),
  end: (fault, ground) => setCondition(fault, ground, 'open'),
}
