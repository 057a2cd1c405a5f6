// Images as people name them: `--image postgres=postgres:18.1`.
import { BenchError } from '../contract/errors.ts'
import { imageNames } from '../deploy/docker/images.ts'
import { suggestion } from '../lib/nearest.ts'

/** By name of docker/images.yaml; the last one of a name holds. Throws USAGE with one sentence for the first thing that is wrong. */
export function imagesOf(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      const [name, reference] = [text.slice(0, at), text.slice(at + 1).trim()]
      if (at < 1 || reference === '')
        throw new BenchError(
          'USAGE',
          `--image ${text} is not <name>=<reference>; for example --image postgres=postgres:18.1.`,
        )
      const known = imageNames()
      if (!known.includes(name)) throw new BenchError('USAGE', `--image knows no ${name}: ${suggestion(name, known)}`)
      return [name, reference]
    }),
  )
}
