// What drivers and workloads from outside import as `geowrite/contract`.
export * from './driver.ts'
export { BenchError, messageOf } from './errors.ts'
export * from './outcome.ts'
export * from './provision.ts'
export * from './service.ts'
export * from './table.ts'
export * from './topology.ts'
export * from './workload.ts'
