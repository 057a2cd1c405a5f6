// Cells packed away in pieces by several threads must come out as they were counted: against a plain sum of every cell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DurationCounts } from '../lib/duration-counts.ts'
import { PHASE } from '../lib/dot.ts'
import { IntervalCells, wholeCells } from './interval-cells.ts'
import { addPacked, PackedDurations } from './packed-durations.ts'

const DCS = 2

const rows = fc.array(
  fc.record({
    thread: fc.nat({ max: 2 }),
    second: fc.integer({ min: -5, max: 400 }),
    dc: fc.nat({ max: DCS - 1 }),
    phase: fc.constantFrom(PHASE.warmup, PHASE.measure),
    operation: fc.nat({ max: 3 }),
    us: fc.oneof(fc.nat({ max: 3000 }), fc.nat({ max: 2 ** 33 })),
  }),
  { minLength: 1, maxLength: 400 },
)

test('a second counted in pieces by several threads is whole again, whatever was open at a time', () => {
  const seed = Date.now() >>> 0
  fc.assert(
    fc.property(rows, (all) => {
      const threads = [0, 1, 2].map(() => new IntervalCells(DCS))
      const expected = new Map<string, number[]>()
      for (const { thread, second, dc, phase, operation, us } of all) {
        threads[thread].makeRoom()
        const cell = threads[thread].at(second, dc, phase, operation)
        cell.offered++
        cell.acked += 2
        cell.response.record(us)
        cell.wait.record(us)
        const name = [second, dc, phase, operation].join()
        expected.set(name, [...(expected.get(name) ?? []), us])
      }
      const finished = threads.map((cells) => cells.finish())
      const found = new Map<string, number[]>()
      for (const cell of wholeCells(
        finished.map(({ cells }) => cells),
        DCS,
      )) {
        const { second, dc, phase, operation, offered, acked, failed } = cell
        found.set([second, dc, phase, operation].join(), [offered, acked, failed, ...figures(cell.response)])
        assert.deepEqual(figures(cell.wait), figures(cell.response))
        assert.equal(cell.service.mostUs, 0)
      }
      const plain = [...expected].map(
        ([name, list]) => [name, [list.length, 2 * list.length, 0, ...figures(counted(list))]] as const,
      )
      assert.deepEqual(found, new Map(plain))
      for (let dc = 0; dc < DCS; dc++) {
        const together = new DurationCounts()
        for (const { measured } of finished) together.add(measured[dc].response)
        const own = all.filter((row) => row.dc === dc && row.phase === PHASE.measure).map(({ us }) => us)
        assert.deepEqual(figures(together), figures(counted(own)))
      }
    }),
    { seed, numRuns: 15 },
  )
})

test('packed counts are what was counted, one after another', () => {
  const durations = fc.array(fc.array(fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: 2 ** 36 })), { maxLength: 60 }), {
    maxLength: 5,
  })
  const seed = Date.now() >>> 0
  fc.assert(
    fc.property(durations, (lists) => {
      const packed = new PackedDurations()
      for (const list of lists) packed.pack(counted([...list, ...list]))
      let at = 0
      for (const list of lists) {
        const back = new DurationCounts()
        at = addPacked(packed.bytes, at, back)
        assert.deepEqual(figures(back), figures(counted([...list, ...list])))
      }
      assert.equal(at, packed.length)
    }),
    { seed, numRuns: 100 },
  )
})

function counted(list: readonly number[]): DurationCounts {
  const counts = new DurationCounts()
  for (const us of list) counts.record(us)
  return counts
}

/** All that counts say. */
function figures(counts: DurationCounts): number[] {
  return [counts.mostUs, ...counts.buckets]
}
