// Every driver in the tree, by name. Only bench/main.ts imports this.
import { cassandra } from './cassandra/driver.ts'
import { lsm } from './lsm/driver.ts'
import { memory } from './memory/driver.ts'
import { noop } from './noop/driver.ts'
import { postgres } from './postgres/driver.ts'

export const drivers = [
  { driver: postgres, module: new URL('./postgres/driver.ts', import.meta.url), exportName: 'postgres' },
  { driver: cassandra, module: new URL('./cassandra/driver.ts', import.meta.url), exportName: 'cassandra' },
  { driver: lsm, module: new URL('./lsm/driver.ts', import.meta.url), exportName: 'lsm' },
  { driver: memory, module: new URL('./memory/driver.ts', import.meta.url), exportName: 'memory' },
  { driver: noop, module: new URL('./noop/driver.ts', import.meta.url), exportName: 'noop' },
]
