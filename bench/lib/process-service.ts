// A service that is a Node script of ours: it gets the path of its configuration, says when it is ready, and ends with its parent.
import { join } from 'node:path'
import type { Place, Service } from '../contract/service.ts'
import { READY_LINE } from './service-process.ts'

const CONFIG_FILE = 'config.json'

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
    readyTimeoutMs: 20_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5000,
    unprivileged: false,
    watchesParent: true,
  }
}
