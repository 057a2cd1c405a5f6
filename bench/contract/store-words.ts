// What a store says of itself: its settings in force, its own counts, and the faults that it planted on purpose.

/** A fault that a store planted on purpose and counted, so that what was found can be held against it. */
export interface PlantedFault {
  /** The setting that asked for it. */
  readonly name: string
  readonly meaning: string
  /** Row writes that it hit over the whole run. */
  readonly rows: number
  /** Those of them that nothing later made good: what the measure must find, no more and no less. */
  readonly standing: number
  /** The metric that must show it. */
  readonly metric: string
}

/** The store's own words, kept beside ours and never under our names. */
export interface Counters {
  /** The store's own count of conflicts with its meaning in a sentence; null when it has none. */
  readonly conflictsReported: { readonly count: number; readonly meaning: string } | null
  /** Everything else that it counts, by name with the unit in the name. */
  readonly own: Readonly<Record<string, number>>
  /** Absent in stores that plant nothing. */
  readonly planted?: readonly PlantedFault[]
}

export interface StoreDescription {
  readonly version: string
  /** What decides durability, in one sentence. */
  readonly durability: string
  /** With the settings in force acknowledged rows survive a `kill -9` of the store's processes; the conformance suite holds it to that. */
  readonly survivesKill?: true
  /** Why figures of this store with these settings are not for publishing, as what follows a colon; absent where they are. */
  readonly notForPublishing?: string
  /** What decides which of two writes of a row stands, where that is not the higher version, as what follows a colon; absent where it is. */
  readonly ownOrder?: string
  /** Settings in force, as the store itself reports them. */
  readonly settings: Readonly<Record<string, string>>
}
