// Both directions between two DCs hold every byte; nothing is lost or reset, and all travels on after the heal.
import { setCondition, type FaultKind } from './fault-kind.ts'

export const blackhole: FaultKind = {
  name: 'blackhole',
  meaning: 'a partition: both directions between two DCs hold every byte until it heals; nothing is lost',
  example: 'blackhole us-east|eu-west at=5s for=5s',
  targets: ['pair'],
  touches: 'condition',
  begin: (fault, ground) => setCondition(fault, ground, 'hold'),
  end: (fault, ground) => setCondition(fault, ground, 'open'),
}
