// The progress of a run that nobody watches.
import type { Progress } from './cli/progress.ts'

export const silent: Progress = {
  step: () => undefined,
  live: () => undefined,
  note: () => undefined,
  end: () => undefined,
  fail: () => undefined,
}
