// How containers, networks and volumes of ours are told from others: by labels that name the run and who started it.
import { isAbandoned, thisOwner } from '../owner.ts'

/** Everything that any run has made carries this. */
export const RUN_LABEL = 'geowrite=run'

const SESSION = 'geowrite.session'
const OWNER = 'geowrite.owner'

type Labels = Readonly<Record<string, string>>

/** The labels of everything that this process makes for one run. */
export function labelsOf(runId: string): Record<string, string> {
  const [name, value] = RUN_LABEL.split('=')
  return { [name]: value, [SESSION]: runId, [OWNER]: JSON.stringify(thisOwner()) }
}

/** What to ask an engine for to get all of one run. */
export function sessionLabel(runId: string): string {
  return `${SESSION}=${runId}`
}

/** The runs whose harness is gone, each once; what carries no session is nobody's run. */
export function abandonedRuns(found: readonly Labels[]): readonly string[] {
  const runs = found.flatMap((labels) => {
    const runId = labels[SESSION]
    return runId !== undefined && isAbandoned(labels[OWNER]) ? [runId] : []
  })
  return [...new Set(runs)]
}
