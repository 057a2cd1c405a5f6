// Every workload in the tree, by name. Only bench/main.ts imports this.
import { messaging } from './messaging.ts'
import { profiles } from './profiles.ts'

export const workloads = [
  { workload: profiles, module: new URL('./profiles.ts', import.meta.url), exportName: 'profiles' },
  { workload: messaging, module: new URL('./messaging.ts', import.meta.url), exportName: 'messaging' },
]
