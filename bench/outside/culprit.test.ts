// Errors that nobody waited for, by the code that threw them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { BenchError } from '../contract/errors.ts'
import { blameForStray } from './culprit.ts'

const ROOT = decodeURIComponent(new URL('../../', import.meta.url).pathname)
const outsiders = [
  { file: './mine.ts', module: pathToFileURL('/home/us/my drivers/mine.ts').href },
  { file: './flow.ts', module: pathToFileURL('/home/us/flow.ts').href },
  { file: './examples/pull.ts', module: pathToFileURL(`${ROOT}examples/pull.ts`).href },
]

function thrownIn(...places: readonly string[]): Error {
  const error = new Error('boom')
  error.stack = ['Error: boom', ...places.map((place, i) => `    at f${i} (${place}:3:${i + 1})`)].join('\n')
  return error
}

const blamed = (error: unknown) => blameForStray(error, outsiders)?.message.split(' failed')[0]

test('the innermost frame that is not Node’s says whose it is', () => {
  const own = `${pathToFileURL(`${ROOT}bench/run.ts`)}`
  assert.equal(blamed(thrownIn('node:events', outsiders[1].module, own)), './flow.ts')
  assert.equal(blamed(thrownIn(outsiders[0].module)), './mine.ts')
  assert.equal(blamed(thrownIn(outsiders[2].module)), './examples/pull.ts')
  assert.equal(blamed(thrownIn(own, outsiders[1].module)), undefined)
  // A package that the module brought along.
  assert.equal(blamed(thrownIn('/home/us/node_modules/client/index.js', own)), './mine.ts')
})

test('what has no frame, or nothing from outside to be blamed on, or is the harness’s own word, is not theirs', () => {
  assert.equal(blamed(thrownIn('node:net')), undefined)
  assert.equal(blamed('a text'), undefined)
  assert.equal(blamed(new BenchError('LINK', 'cut')), undefined)
  assert.equal(blameForStray(thrownIn('/home/us/flow.ts'), []), undefined)
})

test('the sentence has the file and the code of a store’s failure', () => {
  const error = blameForStray(thrownIn(outsiders[0].module), outsiders)
  assert.equal(error?.message, './mine.ts failed where nobody waits for it: boom. The error is in that file.')
  assert.equal(error.code, 'STORE')
})
