// How much room arrays get that are used for one key after another.

const EXACT_FROM = 500_000

/** A quarter more than is needed, so that larger keys seldom need new arrays; a very hot key gets what it needs and no more. */
export function roomFor(count: number): number {
  return count < EXACT_FROM ? Math.ceil(count * 1.25) : count
}
