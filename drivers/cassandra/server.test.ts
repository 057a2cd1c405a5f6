// Statements of the run's admin outlive a server that is away for a while, and no other trouble.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors, types, type Client } from 'cassandra-driver'
import { execute } from './server.ts'

/** A client that answers with these errors, one after another, and then with a result. */
function clientOf(...troubles: readonly Error[]) {
  const left = [...troubles]
  const result = { rows: [] }
  const client = {
    execute: () => {
      const trouble = left.shift()
      return trouble === undefined ? Promise.resolve(result) : Promise.reject(trouble)
    },
  }
  return { client: client as unknown as Client, result }
}

test('a statement is sent again while its server is away, whatever the client calls that', async () => {
  const { client, result } = clientOf(
    new errors.NoHostAvailableError({}),
    Object.assign(new Error('closed'), { isSocketError: true }),
    // What it says while it prepares a statement.
    new Error('No connection available'),
  )
  assert.equal(await execute({ client }, 'SELECT'), result)
})

test('a statement that the server refuses is not sent again', async () => {
  const { client } = clientOf(new errors.ResponseError(types.responseErrorCodes.invalid, 'no such table'))
  await assert.rejects(execute({ client }, 'SELECT'), /no such table/)
})
