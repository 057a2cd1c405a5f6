// How tests join stores that they deployed themselves: every DC is reached directly, and no file needs to change.
import type { Endpoints, Joining } from './contract/driver.ts'
import type { Deployment } from './deploy/deployment.ts'

export function joiningDirectly(endpoints: Endpoints): Joining {
  return {
    seenFrom: () => endpoints,
    edit: (service, path) => Promise.reject(new Error(`${path} of ${service} is not the test's to change`)),
  }
}

/** The same through the links of a deployment. */
export function joiningThrough(deployment: Deployment): Joining {
  return {
    seenFrom: (dc) => deployment.seenByServices(dc),
    edit: (service, path, change) => deployment.edit(service, path, change),
  }
}
