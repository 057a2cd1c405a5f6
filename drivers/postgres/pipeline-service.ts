// The process of one pipeline: configuration, control port, end with the harness.
import { messageOf } from '../../bench/contract/errors.ts'
import { serveControl } from '../../bench/lib/control.ts'
import { announceReady, endWithParent, log, serviceConfig } from '../../bench/lib/service-process.ts'
import { runPipeline, type PipelineConfig } from './pipeline.ts'
import { zeroCounters } from './pipeline-counters.ts'

const config = serviceConfig<PipelineConfig>()
const counters = zeroCounters()
const ending = new AbortController()

const control = await serveControl(config.controlAddress, { counters: () => counters })
let announced = false
const ready = () => {
  if (announced) return
  announced = true
  announceReady()
}
const running = runPipeline(config, counters, ready, ending.signal).catch((error: unknown) => {
  log(`cannot go on: ${messageOf(error)}`)
  process.exit(1)
})
endWithParent(async () => {
  ending.abort()
  control.close()
  await running
})
