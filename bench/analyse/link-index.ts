// Directed links as places in arrays.

/** The place of the link from one DC to another in arrays of dcCount² links. */
export function linkIndex(dcCount: number, from: number, to: number): number {
  return from * dcCount + to
}
