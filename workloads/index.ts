// Every workload in the tree, by name. Only bench/main.ts imports this.
import { profiles } from './profiles.ts'

export const workloads = [
  { workload: profiles, module: new URL('./profiles.ts', import.meta.url), exportName: 'profiles' },
]
