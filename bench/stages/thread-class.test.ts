// Only the thread that asks is moved, and back again; what it starts is not.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { goAs } from './thread-class.ts'

// Field 41 of /proc/PID/stat (proc(5)): 0 usual, 2 by turns in the real-time class (sched.h), where the reset bit is not told.
const policyIn = (stat: string) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38])
const policyOf = (threadId: string) => policyIn(readFileSync(`/proc/self/task/${threadId}/stat`, 'latin1'))

test('the thread that asks, and no other, goes first and then as everybody', (t) => {
  if (goAs('first') === 'usual')
    return t.skip('this user may not raise a thread, or chrt (util-linux) is not installed')
  const own = readlinkSync('/proc/thread-self').split('/')[2]
  assert.equal(policyOf(own), 2)
  const others = readdirSync('/proc/self/task').filter((id) => id !== own)
  assert.ok(others.length > 0)
  for (const id of others) assert.equal(policyOf(id), 0, `thread ${id}`)
  const child = spawnSync('cat', ['/proc/self/stat'], { encoding: 'latin1' })
  assert.equal(policyIn(child.stdout), 0)
  assert.equal(goAs('usual'), 'usual')
  assert.equal(policyOf(own), 0)
})
