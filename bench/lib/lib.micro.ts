// Hot paths that everything draws on: keys, content, histograms.
import type { MicroCases } from '../micro/micro-case.ts'
import { ContentMaker } from './content.ts'
import { rankSampler } from './distributions.ts'
import { packDot } from './dot.ts'
import { DurationCounts } from './duration-counts.ts'
import { randomStream } from './random.ts'

const ROWS = 4096
const COLUMNS = [
  { name: 'name', type: 'text', minBytes: 12, maxBytes: 24 },
  { name: 'visits', type: 'int', min: 0, max: 1_000_000 },
  { name: 'bio', type: 'text', minBytes: 40, maxBytes: 120 },
] as const

export const microCases: MicroCases = () => {
  const keys = new Float64Array(ROWS)
  const zipfian = rankSampler('zipfian', 1_000_000, 0.99, randomStream(1))
  const content = new ContentMaker(COLUMNS, 1)
  const columns = content.allocate(ROWS)
  const durations = new DurationCounts()
  const times = Float64Array.from({ length: ROWS }, (_, i) => 50 + ((i * 7919) % 20_000))
  let sequence = 0
  return [
    {
      name: 'zipfian keys',
      rows: ROWS,
      run() {
        for (let i = 0; i < ROWS; i++) keys[i] = zipfian()
      },
    },
    {
      name: 'row making',
      rows: ROWS,
      run() {
        for (let i = 0; i < ROWS; i++) content.fill(columns, i, packDot(0, 1, ++sequence))
      },
    },
    {
      name: 'histogram record',
      rows: ROWS,
      run() {
        for (let i = 0; i < ROWS; i++) durations.record(times[i])
      },
    },
  ]
}
