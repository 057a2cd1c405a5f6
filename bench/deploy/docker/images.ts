// Which image a service's container is made from: pinned in docker/images.yaml, overridden by option or environment; and getting it.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { orReason } from '../../lib/abort.ts'
import { BenchError, messageOf } from '../../contract/errors.ts'
import { hostOf, type Engine } from './engine.ts'
import { buildOwnImage } from './image-build.ts'

const PINS = new URL('../../../docker/images.yaml', import.meta.url)
/** The image of this project's own sources. */
const OWN_IMAGE = 'geowrite'
/** What it is built on: no service runs on these themselves. */
const BELOW_OURS = ['node', 'toxiproxy']

const pinsSchema = z.record(z.string(), z.object({ image: z.string(), digest: z.string().optional() }))

/** What a name of docker/images.yaml stands for in one run. */
export interface ImageFact {
  readonly name: string
  readonly reference: string
  /** What the engine ran under that reference: the hash of the image's configuration. */
  readonly id: string
}

/** By name: what is to be used instead of the pinned image. */
export type ImageOverrides = Readonly<Record<string, string>>

function pinned(): z.infer<typeof pinsSchema> {
  return pinsSchema.parse(parse(readFileSync(PINS, 'utf8')))
}

/** The names that services and `--image` use. */
export function imageNames(): readonly string[] {
  return Object.keys(pinned())
}

/** The reference of an image by its name; `--image` goes before GEOWRITE_IMAGE_<NAME>, and that before the file. */
export function imageReference(name: string, asked: ImageOverrides): string {
  const pins = pinned()
  const override = overrideOf(name, asked)
  if (override !== undefined) return override
  if (!Object.hasOwn(pins, name))
    throw new BenchError(
      'SCENARIO',
      `A service names an image ${name}, which docker/images.yaml has not: add it there.`,
    )
  const { image, digest } = pins[name]
  return digest === undefined ? image : `${image}@${digest}`
}

function overrideOf(name: string, asked: ImageOverrides): string | undefined {
  const override = asked[name] ?? process.env[variableOf(name)]
  return override === '' ? undefined : override
}

function variableOf(name: string): string {
  return `GEOWRITE_IMAGE_${name.toUpperCase().replaceAll('-', '_')}`
}

/** Makes sure that the engine has an image: ours is built from the sources as they are, others are pulled. Throws COMPONENT. */
export async function provideImage(
  engine: Engine,
  name: string,
  asked: ImageOverrides,
  progress: (sentence: string) => void,
  signal: AbortSignal,
): Promise<ImageFact> {
  const reference = imageReference(name, asked)
  const isOurs = name === OWN_IMAGE && overrideOf(name, asked) === undefined
  if (isOurs) {
    const below = Object.fromEntries(
      BELOW_OURS.flatMap((base) => {
        const override = overrideOf(base, asked)
        return override === undefined ? [] : [[variableOf(base), override]]
      }),
    )
    await buildOwnImage({ ...below, DOCKER_HOST: hostOf(engine.address) }, progress, signal)
  }
  let id = await idOf(engine, reference)
  if (id === undefined && isOurs)
    throw new BenchError(
      'COMPONENT',
      `The image ${reference} was built and the engine has it not: another program removed it at that moment, so run again.`,
    )
  if (id === undefined) {
    progress(`pulling ${reference}`)
    await orReason(pull(engine, reference), signal)
    id = await idOf(engine, reference)
  }
  if (id === undefined) throw new BenchError('COMPONENT', absent(reference, 'the engine pulled it and has it not'))
  return { name, reference, id }
}

async function idOf(engine: Engine, reference: string): Promise<string | undefined> {
  try {
    return (await engine.docker.getImage(reference).inspect()).Id
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode === 404) return undefined
    throw error
  }
}

async function pull(engine: Engine, reference: string): Promise<void> {
  try {
    await engine.pull(reference)
  } catch (error) {
    throw new BenchError('COMPONENT', absent(reference, messageOf(error)), { cause: error })
  }
}

function absent(reference: string, why: string): string {
  return `The image ${reference} is not here and cannot be pulled (${why}): check the network, name another one with --image, or build stand-ins with docker/offline/build, which needs no image registry.`
}
