// The house rules as a test: who may import whom, how long a file may be, and that every exported name is used.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '..')
const LINES_MAX = 250
const LINES_MAX_TEST = 400

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

/** Project files by path, the others by package name. */
function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)
  return [...found].map(([, name]) =>
    name.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), name)) : name,
  )
}

const FILES: readonly SourceFile[] = ['bench', 'drivers', 'workloads', 'examples'].flatMap(sourceFiles).map((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return { path, text, imports: importsOf(path, text) }
})
const SOURCES = FILES.filter(({ path }) => !/\.(test|fixture|micro|d)\.ts$/.test(path))

/** Folder → project folders that it may import beside itself; the first entry that fits a path counts. */
const MAY_IMPORT: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ['bench/contract/', []],
  ['bench/lib/', ['bench/contract/']],
  ...['load', 'wan', 'deploy', 'measure', 'faults', 'analyse', 'report', 'export', 'http'].map(
    (room) => [`bench/${room}/`, ['bench/contract/', 'bench/lib/']] as const,
  ),
  ['bench/main.ts', ['bench/', 'drivers/index.ts', 'workloads/index.ts']],
  ['bench/', ['bench/']],
  ['drivers/replication/', ['bench/contract/', 'bench/lib/']],
  ['drivers/index.ts', ['bench/contract/', 'drivers/']],
  ['drivers/', ['bench/contract/', 'bench/lib/', 'drivers/replication/']],
  ['workloads/', ['bench/contract/', 'bench/lib/random.ts', 'bench/lib/distributions.ts']],
  ['examples/', ['bench/contract/', 'bench/lib/']],
]

/** The part of a path within which imports are free. */
function roomOf(path: string): string {
  const parts = path.split('/')
  const depth = parts[0] === 'workloads' || parts[0] === 'examples' ? 1 : 2
  return `${parts.slice(0, Math.min(depth, parts.length - 1)).join('/')}/`
}

test('every import is one that its folder may have', () => {
  const wrong = SOURCES.flatMap(({ path, imports }) => {
    const rule = MAY_IMPORT.find(([folder]) => path.startsWith(folder))
    assert.ok(rule, `no rule for ${path}`)
    return imports
      .filter((name) => /^(bench|drivers|workloads|examples)\//.test(name))
      .filter((name) => !name.startsWith(roomOf(path)) && !rule[1].some((allowed) => name.startsWith(allowed)))
      .map((name) => `${path} imports ${name}`)
  })
  assert.deepEqual(wrong, [])
})

test('the contract has no I/O and workloads have nothing of Node', () => {
  const wrong = SOURCES.filter(({ path }) => /^(bench\/contract|workloads)\//.test(path))
    .filter(({ imports }) => imports.some((name) => name.startsWith('node:')))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('only bench/main.ts knows the drivers and the workloads', () => {
  const wrong = SOURCES.filter(({ path }) => path.startsWith('bench/') && path !== 'bench/main.ts')
    .filter(({ imports }) => imports.some((name) => /^(drivers|workloads)\//.test(name)))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('files stay short', () => {
  const long = FILES.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 })).filter(
    ({ path, lines }) =>
      lines > (path.endsWith('.test.ts') || path.endsWith('.fixture.ts') ? LINES_MAX_TEST : LINES_MAX),
  )
  assert.deepEqual(long, [])
})

test('every exported name is used by another file', () => {
  // What outside drivers and workloads build on, and what a thread or the registry loads by name, has no importer here.
  const loadedByName = /^(examples\/|bench\/contract\/|workloads\/|drivers\/[^/]+\/driver\.ts)/
  const unused = SOURCES.filter(({ path }) => !loadedByName.test(path)).flatMap(({ path, text }) => {
    const names = [...text.matchAll(/^export (?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/gm)].map(
      ([, name]) => name,
    )
    return names
      .filter((name) => !FILES.some((other) => other.path !== path && new RegExp(`\\b${name}\\b`).test(other.text)))
      .map((name) => `${path}: ${name}`)
  })
  assert.deepEqual(unused, [])
})

test('names say what they hold: no default exports, no utils, no helpers', () => {
  const wrong = FILES.filter(
    ({ path, text }) => /\b(utils?|helpers?)\b/i.test(path) || /^export default/m.test(text),
  ).map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('every file says what it is in its first line', () => {
  const silent = SOURCES.filter(({ text }) => !text.startsWith('//')).map(({ path }) => path)
  assert.deepEqual(silent, [])
})
