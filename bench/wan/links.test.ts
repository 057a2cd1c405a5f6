// Three DCs with a real deployment: every pair has its own relay, and a link's state and counters are its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Topology } from '../contract/topology.ts'
import { LocalDeployment } from '../deploy/local.ts'
import { ask, testService } from '../deploy/service.fixture.ts'
import { nowUs } from '../lib/clock.ts'
import { linkEntry, RelayControl, relayServices, routesOf } from './links.ts'

const NAMES = ['east', 'west', 'south']
// A different delay for each directed link: 2 … 12 ms.
const TOPOLOGY: Topology = {
  dcs: NAMES.map((name, index) => ({ name, index })),
  links: NAMES.flatMap((from) => NAMES.filter((to) => to !== from).map((to) => ({ from, to }))).map((link, i) => ({
    ...link,
    delayMs: 2 * (i + 1),
    jitterMs: 0,
  })),
}

test(
  'each pair of DCs has a relay whose links keep their own delay, state and counters',
  { timeout: 20_000 },
  async () => {
    await using deployment = new LocalDeployment({
      runId: `links-${process.pid}`,
      onDeath: (error) => assert.fail(error),
    })
    const services = NAMES.map((dc) => testService(`store ${dc}`, ['say=ready'], { dc }))
    const relays = relayServices(TOPOLOGY, routesOf(TOPOLOGY, services), 1)
    assert.deepEqual(
      relays.map(({ name }) => name),
      ['link east~west', 'link east~south', 'link west~south'],
    )
    await deployment.place([...services, ...relays])
    deployment.route((from, to, port) => linkEntry(TOPOLOGY, from, to, port))
    await deployment.start('links', new AbortController().signal, () => undefined)
    await deployment.start('deploy', new AbortController().signal, () => undefined)
    using links = await RelayControl.open(TOPOLOGY, deployment.endpoints())

    const takesMs = async (from: string, to: string): Promise<number> => {
      const startUs = nowUs()
      assert.notEqual(await ask(deployment.seenByClients(from)[to][`main store ${to}`], 'uid'), '')
      return (nowUs() - startUs) / 1000
    }
    for (const { from, to, delayMs } of TOPOLOGY.links) {
      const backMs = TOPOLOGY.links.find((link) => link.from === to && link.to === from)?.delayMs ?? 0
      // Two round trips: the handshake, and the question with its answer.
      const ms = await takesMs(from, to)
      assert.ok(ms > 2 * (delayMs + backMs) - 0.2, `${from} to ${to}: ${ms} ms`)
    }
    const counters = await links.counters()
    assert.equal(counters.length, 6)
    for (const { from, to, payloadBytes } of counters) {
      const answerBytes = String(process.getuid?.()).length
      assert.equal(payloadBytes, 'uid'.length + answerBytes, `${from} to ${to}`)
    }
    await links.set('west', 'east', { delayMs: 60 })
    assert.ok((await takesMs('east', 'west')) > 60)
    assert.ok((await takesMs('east', 'south')) < 60)
    await links.set('south', 'west', { condition: 'reset' })
    const states = new Map((await links.counters()).map(({ from, to, condition }) => [`${from}>${to}`, condition]))
    assert.deepEqual([states.get('south>west'), states.get('east>south')], ['reset', 'open'])
    assert.equal(await ask(deployment.seenByClients('west').south['main store south'], 'uid'), '')
  },
)
