// Figures found in one part of the work are added to those of another: counts, and lists, columns and records of counts.

type Sums = number | null | Float64Array | readonly Sums[] | { readonly [name: string]: Sums }

/** Adds figures of one shape, number by number, to those in `total`. What is not known (null) in one is not known in all. */
export function addInto(total: object, part: object): void {
  const to = total as Record<string, Sums>
  for (const [name, value] of Object.entries(part) as [string, Sums][]) {
    const before = to[name]
    if (value === null || before === null) to[name] = null
    else if (typeof value === 'number') to[name] = (before as number) + value
    else addInto(before as object, value)
  }
}
