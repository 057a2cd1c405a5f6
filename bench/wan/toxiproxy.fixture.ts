// Toxiproxy for tests on this machine: the program of the image, put on the path.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { openEngine } from '../deploy/docker/engine.ts'
import { imageReference } from '../deploy/docker/images.ts'
import { firstFileOf } from '../deploy/docker/tar.ts'

/** Takes the program out of its image and puts its folder first on this process's path; disposing it undoes that. */
export async function toxiproxyOnPath(): Promise<Disposable> {
  const { docker, pull } = await openEngine()
  const image = imageReference('toxiproxy', {})
  await pull(image)
  // It is made, never started.
  const container = await docker.createContainer({ Image: image, Labels: { geowrite: 'test' } })
  const folder = mkdtempSync(join(tmpdir(), 'geowrite-toxiproxy-'))
  try {
    const archive = await buffer(await container.getArchive({ path: '/toxiproxy' }))
    const program = join(folder, 'toxiproxy')
    writeFileSync(program, firstFileOf(archive) ?? '')
    chmodSync(program, 0o755)
  } finally {
    await container.remove({ force: true })
  }
  const path = process.env.PATH ?? ''
  process.env.PATH = [folder, path].join(delimiter)
  return {
    [Symbol.dispose]: () => {
      process.env.PATH = path
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Why the kernel's counts cannot be read here, if so. */
export function missingSocketTable(): string | false {
  return spawnSync('ss', ['-V']).error === undefined
    ? false
    : 'there is no ss (iproute2) to read the kernel’s counts with'
}
