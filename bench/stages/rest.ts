// Whether DCs that differ have come to rest. A system that promises no convergence may differ for ever, and the wait for equal
// rows must not last for ever with it.
import type { Admin, Digest } from '../contract/driver.ts'

/** Nothing to replicate and no changed row for this time: longer than a connection takes to come back. */
const REST_MS = 3000

const textOf = ({ counts, sums, xors }: Digest): string => `${counts.join()} ${sums.join()} ${xors.join()}`

export class Rest {
  readonly #admin: Admin
  #last = ''
  #sinceMs = 0

  constructor(admin: Admin) {
    this.#admin = admin
  }

  /** Takes the digests of a comparison; true when they have long been these and the store says that nothing is on its way. */
  async reached(digests: readonly Digest[]): Promise<boolean> {
    const now = performance.now()
    const text = digests.map(textOf).join(' ')
    if (text !== this.#last) {
      this.#last = text
      this.#sinceMs = now
    }
    if (now - this.#sinceMs < REST_MS) return false
    return (await this.#admin.backlog()).every(({ amount }) => amount === 0)
  }
}
