// Writes synthetic run folders with planted truth: known writes, known visibility, known probes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OPERATION } from '../contract/table.ts'
import { OUTCOME } from '../contract/outcome.ts'
import {
  causesFile,
  countsFile,
  finalFile,
  probesFile,
  RUN_FILES,
  writesFile,
  type RunFacts,
} from '../contract/run-folder.ts'
import { allocateBlock, sealBlock, type Layout } from '../lib/column-file.ts'
import { incarnationOf, packDot, PHASE } from '../lib/dot.ts'
import {
  CAUSES,
  COUNTS,
  FINAL,
  FINAL_STATE,
  NEVER,
  PROBE_STATE,
  PROBES,
  WRITES,
  WRITE_FLAG,
} from '../lib/ledger-format.ts'

/** One planted write; times in ms since the epoch. */
export interface PlantedWrite {
  readonly dc: number
  readonly key: number
  readonly sentMs: number
  /** Absent: never acknowledged. */
  readonly ackedMs?: number
  readonly intendedMs?: number
  readonly outcome?: number
  readonly phase?: keyof typeof PHASE
  readonly operation?: number
  readonly coalesced?: boolean
  readonly declined?: boolean
  readonly bytes?: number
  /** Filled in by `plant`: dots and versions rise with the order of the list within a DC. */
  readonly dot?: number
  readonly version?: number
}

export interface PlantedProbe {
  readonly peer: number
  readonly write: number
  readonly missMs?: number
  /** When the closing read returned. */
  readonly closedMs?: number
  readonly state?: number
}

export interface PlantedFinal {
  readonly dc: number
  readonly key: number
  /** The write that the row shows; absent: no such row. */
  readonly write?: number
  /** The write whose version it shows; absent: its own. */
  readonly versionOf?: number
  /** Of FINAL_STATE; absent: as the write would leave it. */
  readonly state?: number
  /** The sum of the row's counter columns; absent: the DC has no COUNTS file unless another row has one. */
  readonly count?: number
}

/** What a write found at its own DC: writes by their place in the list, absent or −1 for none. */
export interface PlantedCause {
  readonly write: number
  readonly overwrote?: number
  /** By DC. */
  readonly seen: readonly number[]
}

export interface PlantedRun {
  readonly dcs?: readonly string[]
  readonly writes: readonly PlantedWrite[]
  readonly probes?: readonly PlantedProbe[]
  /** Absent: causality was not exact. */
  readonly causes?: readonly PlantedCause[]
  /** Absent: every DC ends with the highest version of every key. */
  readonly finals?: readonly PlantedFinal[]
  readonly measureMs?: readonly [startMs: number, endMs: number]
  readonly facts?: (facts: RunFacts) => RunFacts
  readonly csv?: Readonly<Record<string, string>>
  /** Writes are split over this many ledger parts a DC. */
  readonly workers?: number
}

/** A scratch folder that goes when it is disposed of. */
export function scratchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'geowrite-analysis-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A write with its dot and version: the commit in the middle of [sent, acknowledged] decides the version. */
export function dotted(writes: readonly PlantedWrite[]): Required<Pick<PlantedWrite, 'dot' | 'version'>>[] {
  const sequence = new Map<number, number>()
  return writes.map((write) => {
    const incarnation = incarnationOf(PHASE[write.phase ?? 'measure'], 0)
    const next = (sequence.get(write.dc * 10_000 + incarnation) ?? 0) + 1
    sequence.set(write.dc * 10_000 + incarnation, next)
    const commitUs = ((write.sentMs + (write.ackedMs ?? write.sentMs)) / 2) * 1000
    return {
      dot: write.dot ?? packDot(write.dc, incarnation, next),
      version: write.version ?? Math.floor((1e9 + commitUs) / 16) * 16 + write.dc,
    }
  })
}

function columnFile<C extends Readonly<Record<string, 'f64' | 'u32' | 'u8'>>>(
  layout: Layout<C>,
  rows: readonly Readonly<Record<keyof C, number>>[],
): Uint8Array {
  const block = allocateBlock(layout, rows.length)
  for (const name of Object.keys(layout.columns)) {
    const column = (block as unknown as Record<string, Float64Array>)[name]
    for (const [i, row] of rows.entries()) column[i] = row[name]
  }
  return sealBlock(block)
}

/** Writes the run into `folder` and returns the dots and versions that its writes got. */
export function plant(folder: string, run: PlantedRun): ReturnType<typeof dotted> {
  const names = run.dcs ?? ['us-east', 'eu-west']
  const ledger = join(folder, RUN_FILES.ledger)
  mkdirSync(ledger, { recursive: true })
  const dots = dotted(run.writes)
  const workers = run.workers ?? 1
  for (const [dc, name] of names.entries()) {
    for (let worker = 0; worker < workers; worker++) {
      const rows = run.writes.flatMap((write, i) =>
        write.dc === dc && Math.abs(write.key) % workers === worker ? [writeRow(write, dots[i])] : [],
      )
      writeFileSync(join(ledger, writesFile(name, worker)), columnFile(WRITES, rows))
      const causes = (run.causes ?? []).filter(({ write }) => {
        const { dc: at, key } = run.writes[write]
        return at === dc && Math.abs(key) % workers === worker
      })
      if (run.causes === undefined) continue
      const found = causes.flatMap((cause) => causeRows(cause, run.writes[cause.write], dots))
      writeFileSync(join(ledger, causesFile(name, worker)), columnFile(CAUSES, found))
    }
    const probes = (run.probes ?? []).filter((probe) => probe.peer === dc)
    if (run.probes !== undefined) {
      const rows = probes.map((probe) => probeRow(probe, run.writes[probe.write], dots[probe.write]))
      writeFileSync(join(ledger, probesFile(name)), columnFile(PROBES, rows))
    }
    writeFileSync(join(ledger, finalFile(name)), columnFile(FINAL, finalRows(run, dots, dc)))
    const counts = (run.finals ?? []).flatMap(({ dc: at, key, count }) =>
      at === dc && count !== undefined ? [{ key, value: count }] : [],
    )
    counts.sort((a, b) => a.key - b.key)
    if (counts.length > 0) writeFileSync(join(ledger, countsFile(name)), columnFile(COUNTS, counts))
  }
  const facts = plantedFacts(names, run.measureMs ?? [0, 10_000], run.writes.length)
  writeFileSync(join(folder, RUN_FILES.run), `${JSON.stringify(run.facts?.(facts) ?? facts, undefined, 2)}\n`)
  for (const [file, text] of Object.entries(run.csv ?? {})) writeFileSync(join(folder, file), text)
  return dots
}

function writeRow(write: PlantedWrite, { dot, version }: { dot: number; version: number }) {
  const intendedMs = write.intendedMs ?? write.sentMs
  return {
    key: write.key,
    dot,
    version,
    intendedUs: intendedMs * 1000,
    sentAfterUs: Math.round((write.sentMs - intendedMs) * 1000),
    ackedAfterUs: write.ackedMs === undefined ? NEVER : Math.round((write.ackedMs - write.sentMs) * 1000),
    logicalBytes: write.bytes ?? 100,
    outcome: write.outcome ?? (write.ackedMs === undefined ? OUTCOME.info : OUTCOME.ok),
    operation: write.operation ?? OPERATION.upsert,
    flags: (write.coalesced === true ? WRITE_FLAG.coalesced : 0) | (write.declined === true ? WRITE_FLAG.declined : 0),
    phase: PHASE[write.phase ?? 'measure'],
  }
}

function causeRows(
  { write, overwrote, seen }: PlantedCause,
  { key, dc }: PlantedWrite,
  dots: ReturnType<typeof dotted>,
) {
  const dotOf = (other = -1) => (other < 0 ? 0 : dots[other].dot)
  return seen.flatMap((other, peer) =>
    peer === dc ? [] : [{ key, dot: dots[write].dot, overwrote: dotOf(overwrote), seen: dotOf(other), peer }],
  )
}

function probeRow(probe: PlantedProbe, write: PlantedWrite, { dot }: { dot: number }) {
  return {
    key: write.key,
    dot,
    sentUs: write.sentMs * 1000,
    missSentUs: probe.missMs === undefined ? Number.NaN : probe.missMs * 1000,
    hitReturnedUs: probe.closedMs === undefined ? Number.NaN : probe.closedMs * 1000,
    state: probe.state ?? PROBE_STATE.hit,
  }
}

function finalRows(run: PlantedRun, dots: ReturnType<typeof dotted>, dc: number) {
  const absent = (key: number) => ({ key, dot: 0, version: 0, state: FINAL_STATE.absent })
  const left = (write: number) =>
    run.writes[write].operation === OPERATION.delete ? FINAL_STATE.deleted : FINAL_STATE.whole
  const held = (key: number, write: number, state: number = left(write), versionOf = write) => ({
    key,
    dot: dots[write].dot,
    version: dots[versionOf].version,
    state,
  })
  if (run.finals !== undefined) {
    return run.finals
      .filter((final) => final.dc === dc)
      .map(({ key, write, state, versionOf }) =>
        write === undefined ? absent(key) : held(key, write, state, versionOf),
      )
      .sort((a, b) => a.key - b.key)
  }
  const best = new Map<number, number>()
  for (const [i, write] of run.writes.entries()) {
    if ((write.outcome ?? (write.ackedMs === undefined ? OUTCOME.info : OUTCOME.ok)) !== OUTCOME.ok) continue
    if (write.coalesced === true || write.declined === true) continue
    const before = best.get(write.key)
    if (before === undefined || dots[i].version > dots[before].version) best.set(write.key, i)
  }
  return [...best.entries()].map(([key, write]) => held(key, write)).sort((a, b) => a.key - b.key)
}

function plantedFacts(names: readonly string[], [startMs, endMs]: readonly [number, number], rows: number): RunFacts {
  const dcs = names.map((name, index) => ({ name, index }))
  const pairs = dcs.flatMap((from) => dcs.filter((to) => to !== from).map((to) => [from.name, to.name] as const))
  const seconds = (endMs - startMs) / 1000
  return {
    format: 1,
    index: 1,
    repeat: 1,
    system: {
      driver: 'planted',
      replication: 'lww',
      mode: 'rows',
      capabilities: {
        conflicts: 'last-write-wins',
        acknowledges: 'local',
        ordered: false,
        transactions: false,
        readable: true,
      },
      settings: {},
      store: null,
    },
    scenario: {
      workload: 'planted',
      rows: 1000,
      columns: [],
      overlap: 1,
      skew: 0,
      distribution: 'uniform',
      shardKey: 'key',
      topology: { dcs, links: pairs.map(([from, to]) => ({ from, to, delayMs: 0, jitterMs: 0 })) },
      deployment: 'local',
      seed: 1,
      arrivals: 'constant',
      rowsPerSecond: rows / seconds,
      rateAsked: String(rows / seconds),
      batchRows: 1,
      lingerMs: 0,
      writers: 1,
      inFlight: 1,
      timeoutMs: 1000,
      durationSeconds: seconds,
      probesPerSecond: 'all',
      quick: false,
    },
    epoch: { wallMs: 1_700_000_000_000, monotonicUs: 0, clock: 'CLOCK_MONOTONIC, one host' },
    machine: { platform: 'linux', kernel: '6', cpu: 'planted', cores: 2, memoryBytes: 1e9, node: '24', geowrite: '0' },
    ground: { folder: 'data', fileSystem: 'ext4', fdatasyncP50Ms: 0.2, fdatasyncP99Ms: 0.5, countsWrites: true },
    phases: [{ name: 'measure', startUs: startMs * 1000, endUs: endMs * 1000 }],
    calibration: null,
    loading: { seconds: 1, how: 'in each DC' },
    workers: names.map((dc) => ({
      dc,
      worker: 0,
      phase: 'measure',
      offered: rows / names.length,
      dropped: 0,
      slipP50Ms: 0.1,
      slipP99Ms: 1,
      slipMaxMs: 2,
      eventLoopP99Ms: 1,
      eventLoopMaxMs: 2,
      utilisation: 0.2,
      errors: {},
    })),
    probers: [],
    links: { before: [] },
    marks: [],
    convergence: {
      lastOutcomeUs: endMs * 1000,
      checks: [
        {
          dcs: names.map((dc) => ({ dc, startedUs: endMs * 1000 + 100_000, endedUs: endMs * 1000 + 150_000 })),
          equal: true,
        },
      ],
      timedOut: false,
      wholeTableEqual: true,
      startedEqual: true,
    },
    divergent: { total: 0, rows: [] },
    counters: null,
    pressure: { cpuSomeShare: 0.1, stealShare: 0 },
    ledgerDropped: false,
  }
}
