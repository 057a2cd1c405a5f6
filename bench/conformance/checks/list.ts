// Every check that a deployed system goes through, in order.
import type { Check } from '../check.ts'
import { ARRIVAL_CHECKS } from './arrival.ts'
import { atomicBatches } from './atomic.ts'
import { CAUSALITY_CHECKS } from './causality.ts'
import { CONFLICT_CHECKS } from './conflicts.ts'
import { DIGEST_CHECKS } from './digest.ts'
import { FAILURE_CHECKS } from './failure.ts'
import { OPERATION_CHECKS } from './operations.ts'
import { ordered } from './order.ts'
import { WRITE_CHECKS } from './write.ts'

export const CHECKS: readonly Check[] = [
  ...WRITE_CHECKS,
  atomicBatches,
  ...OPERATION_CHECKS,
  ...ARRIVAL_CHECKS,
  ordered,
  ...DIGEST_CHECKS,
  ...CONFLICT_CHECKS,
  ...CAUSALITY_CHECKS,
  ...FAILURE_CHECKS,
]
