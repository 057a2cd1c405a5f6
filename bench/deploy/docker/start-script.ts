// What a container runs whose service has something to set up: a small shell script that does it once, and then becomes the service.
import { BenchError } from '../../contract/errors.ts'
import type { Command } from '../../contract/service.ts'

/** Beside the service's own files; it stands there once the set-up is done. */
const DONE_FILE = '.set-up'

/** A text as one word of a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  if (text.includes('\0')) throw new BenchError('BUG', 'No program can be given an argument with a zero byte.')
  return `'${text.replaceAll("'", "'\\''")}'`
}

function exported(env: Command['env'] = {}): readonly string[] {
  return Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new BenchError('BUG', `${name} is no name for an environment variable.`)
    return `export ${name}=${quoted(value)}`
  })
}

function executed({ program, args }: Command): string {
  return `exec ${[program, ...args].map(quoted).join(' ')}`
}

/** One set-up step in a shell of its own, so that its environment is its own; the script ends with it when it fails. */
function step(command: Command): string {
  const lines = [...exported(command.env), executed(command)].join('\n')
  const told = quoted(`setting it up with ${command.program} ended with exit code`)
  return `(\n${lines}\n) || {\ncode=$?\nprintf '%s %s\\n' ${told} "$code" >&2\nexit "$code"\n}`
}

/** The script of a service in `folder`. */
export function startScript(folder: string, setup: readonly Command[], command: Command): string {
  const done = quoted(`${folder}/${DONE_FILE}`)
  return [
    '#!/bin/sh',
    `if ! test -e ${done}; then`,
    ...setup.map(step),
    `: > ${done}`,
    'fi',
    ...exported(command.env),
    executed(command),
    '',
  ].join('\n')
}
