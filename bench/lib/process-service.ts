// A service that is a Node script of ours: it gets the path of its configuration, says when it is ready, and ends with its parent.
import { join } from 'node:path'
import type { Container, Place, Service } from '../contract/service.ts'
import { READY_LINE } from './service-process.ts'

const CONFIG_FILE = 'config.json'

/** The image of this project's own sources, its user, and the volume that is that user's: `docker/node/Dockerfile`. */
export const OWN_CONTAINER: Container = { image: 'geowrite', user: '1000:1000', folder: '/var/lib/geowrite' }
const IN_IMAGE = ['bench/', 'drivers/'].map((folder) => new URL(`../../${folder}`, import.meta.url).href)

/** The container of a script of ours; a script from elsewhere is in no image, and has none. */
export function containerOf(script: URL): { readonly container?: Container } {
  return IN_IMAGE.some((folder) => script.href.startsWith(folder)) ? { container: OWN_CONTAINER } : {}
}

/** What differs from script to script; `config` is handed over as JSON, in a file that only the owner can read. */
interface ProcessService extends Pick<Service, 'name' | 'dc' | 'role' | 'ports' | 'reaches'> {
  readonly script: URL
  config(place: Place): unknown
}

/** The service of a script that follows `service-process.ts`. */
export function processService({ script, config, ...own }: ProcessService): Service {
  return {
    ...own,
    stage: 'deploy',
    files: (place) => [{ path: CONFIG_FILE, content: JSON.stringify(config(place)) }],
    setup: () => [],
    command: (place) => ({ program: 'node', args: [place.source(script), join(place.folder, CONFIG_FILE)] }),
    ready: { type: 'line', starts: READY_LINE },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5000,
    unprivileged: false,
    watchesParent: true,
    ...containerOf(script),
  }
}
