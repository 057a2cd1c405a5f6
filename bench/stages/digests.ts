// Digests of all DCs side by side: taking them at once, and telling in which buckets they differ.
import type { Admin, Digest } from '../contract/driver.ts'

/** One digest a DC, in the order of `dcs`: of the whole table, or of `keys` alone. */
export function digestsOf(
  admin: Admin,
  dcs: readonly string[],
  selection: { readonly buckets: number; readonly keys?: Float64Array },
): Promise<Digest[]> {
  return Promise.all(dcs.map((dc) => admin.digest(dc, selection)))
}

/** The buckets in which the digests are not all the same; empty when the DCs hold the same rows. */
export function differingBuckets([first, ...rest]: readonly Digest[]): number[] {
  const differing: number[] = []
  for (let i = 0; i < first.counts.length; i++) {
    const same = (other: Digest) =>
      first.counts[i] === other.counts[i] && first.sums[i] === other.sums[i] && first.xors[i] === other.xors[i]
    if (!rest.every(same)) differing.push(i)
  }
  return differing
}
