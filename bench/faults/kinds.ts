// All kinds of faults by name.
import type { FaultKindName } from '../contract/fault.ts'
import { blackhole } from './blackhole.ts'
import { cut } from './cut.ts'
import type { FaultKind } from './fault-kind.ts'
import { kill } from './kill.ts'
import { pause } from './pause.ts'
import { reset } from './reset.ts'
import { restart } from './restart.ts'
import { slow } from './slow.ts'

export const KINDS: Readonly<Record<FaultKindName, FaultKind>> = { blackhole, cut, reset, slow, kill, pause, restart }
