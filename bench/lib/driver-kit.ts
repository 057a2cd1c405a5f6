// What drivers from outside import as `geowrite/driver-kit`: row contents, versions, digests, and the manners of service processes.
export { delay, nowUs } from './clock.ts'
export { encodeContent, encodedLength } from './content.ts'
export { ControlClient, serveControl } from './control.ts'
export { DigestSum } from './digest-sum.ts'
export { dotDc, nextVersion } from './dot.ts'
export { processService } from './process-service.ts'
export { announceReady, endWithParent, log, serviceConfig } from './service-process.ts'
