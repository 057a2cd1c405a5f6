// Looking through a store's folder while the store still makes and removes files in it.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { logsIn } from './leaves-nothing.ts'

const LOOKS = 150
/** Makes and removes folders with files until it is ended, and says once that it does. */
const RESTLESS = `
const { mkdirSync, rmSync, writeFileSync } = require('node:fs')
const { parentPort, workerData } = require('node:worker_threads')
for (let i = 0; ; i++) {
  const folder = workerData + '/made-' + (i % 50)
  mkdirSync(folder + '/inner', { recursive: true })
  writeFileSync(folder + '/inner/made.log', '')
  rmSync(folder, { recursive: true })
  if (i === 0) parentPort.postMessage('begun')
}`

test('logs are found in a folder whose files come and go, those that stay every time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-leaves-'))
  const stays = join(folder, 'deep', 'stays.log')
  mkdirSync(join(folder, 'deep'))
  writeFileSync(stays, '')
  writeFileSync(join(folder, 'deep', 'data.db'), '')
  const restless = new Worker(RESTLESS, { eval: true, workerData: folder })
  try {
    await new Promise((resolve) => restless.once('message', resolve))
    for (let i = 0; i < LOOKS; i++) {
      const found = logsIn(folder)
      assert.ok(found.includes(stays))
      assert.ok(found.every((path) => path.endsWith('.log')))
    }
  } finally {
    await restless.terminate()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})
