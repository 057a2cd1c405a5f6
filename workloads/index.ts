// Every workload in the tree, by name. Only bench/main.ts imports this.
import { causal } from './causal.ts'
import { counter } from './counter.ts'
import { messaging } from './messaging.ts'
import { profiles } from './profiles.ts'

export const workloads = [
  { workload: profiles, module: new URL('./profiles.ts', import.meta.url), exportName: 'profiles' },
  { workload: messaging, module: new URL('./messaging.ts', import.meta.url), exportName: 'messaging' },
  { workload: counter, module: new URL('./counter.ts', import.meta.url), exportName: 'counter' },
  { workload: causal, module: new URL('./causal.ts', import.meta.url), exportName: 'causal' },
]
