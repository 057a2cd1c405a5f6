// The parts of a run in which a fault, or the catching up after it, was under way: steadiness is judged outside them.
import type { Slices } from './slices.ts'

/** Disjoint spans in ascending order, µs since the epoch. */
export class FaultSpans {
  readonly #spans: { startUs: number; endUs: number }[] = []

  constructor(spans: readonly { readonly startUs: number; readonly endUs: number }[]) {
    for (const { startUs, endUs } of spans.toSorted((a, b) => a.startUs - b.startUs)) {
      const last = this.#spans.at(-1)
      if (last !== undefined && startUs <= last.endUs) last.endUs = Math.max(last.endUs, endUs)
      else this.#spans.push({ startUs, endUs })
    }
  }

  /** Whether something that lasted from one time to another was touched by a fault. */
  touch(fromUs: number, toUs: number): boolean {
    return this.#spans.some(({ startUs, endUs }) => fromUs <= endUs && toUs >= startUs)
  }

  /** The part of the time from one time to another that lies outside, in µs. */
  outsideUs(fromUs: number, toUs: number): number {
    return this.#spans.reduce(
      (left, { startUs, endUs }) => left - Math.max(0, Math.min(toUs, endUs) - Math.max(fromUs, startUs)),
      toUs - fromUs,
    )
  }

  /** A series by slice without what a fault touched. */
  untouched(series: readonly number[], { startUs, widthUs }: Slices): number[] {
    return series.map((value, slice) =>
      this.touch(startUs + slice * widthUs, startUs + (slice + 1) * widthUs) ? Number.NaN : value,
    )
  }
}
