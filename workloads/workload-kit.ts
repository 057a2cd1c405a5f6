// What workloads from outside import as `geowrite/workload-kit`: seeded randomness, key distributions, and which DC writes which key.
export { permutation, rankSampler } from '../bench/lib/distributions.ts'
export { hashNumber, mix32, randomStream, type RandomStream } from '../bench/lib/random.ts'
export { homeKeys } from './home-keys.ts'
