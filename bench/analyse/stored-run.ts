// Reads run.json, and refuses one that no run wrote: everything behind it trusts what it says.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { RunAnalysis, Verdict } from '../contract/analysis.ts'
import { BenchError, messageOf } from '../contract/errors.ts'
import type { RunFacts } from '../contract/run-folder.ts'
import { analysisSchema } from './analysis-schema.ts'
import { factsSchema } from './facts-schema.ts'

/** run.json as it lies on disk: the facts, and after an analysis what came of it. */
export type StoredRun = RunFacts & { readonly analysis?: RunAnalysis; readonly verdict?: Verdict }

/** The facts of a run, without what an earlier analysis made of them. Throws RUN_FOLDER. */
export function readFacts(path: string): RunFacts {
  const { analysis: _analysis, verdict: _verdict, ...facts } = parseAs(factsSchema, path, readJson(path))
  return facts
}

/** What an earlier analysis kept; undefined when there was none. Throws RUN_FOLDER. */
export function readKeptAnalysis(path: string): RunAnalysis | undefined {
  const { analysis } = readJson(path)
  return analysis === undefined ? undefined : parseAs(analysisSchema, path, analysis, ['analysis'])
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw refusal(path, messageOf(error), error)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw refusal(path, 'it is no JSON object')
  const { format } = json as { readonly format?: unknown }
  if (format !== undefined && format !== 1) {
    throw new BenchError(
      'RUN_FOLDER',
      `${path} has format ${JSON.stringify(format)} where 1 is known: report it with the version of geowrite that wrote it.`,
    )
  }
  return json as Readonly<Record<string, unknown>>
}

function parseAs<T extends z.ZodType>(
  schema: T,
  path: string,
  json: unknown,
  under: readonly PropertyKey[] = [],
): z.infer<T> {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const where = [...under, ...first.path].map(String).join('.')
  throw refusal(path, `${where === '' ? 'it' : where}: ${first.message}`)
}

function refusal(path: string, why: string, cause?: unknown): BenchError {
  return new BenchError(
    'RUN_FOLDER',
    `${path} cannot be read as a run (${why}): give a folder that geowrite wrote, and take what is damaged out of it.`,
    { cause },
  )
}
