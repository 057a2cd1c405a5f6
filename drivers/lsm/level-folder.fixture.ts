// LevelDB folders for tests: what an engine committed and left when it was killed or closed, to be copied, hurt and opened.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomStream } from '../../bench/lib/random.ts'
import { packRecords } from '../replication/node/packed-rows.ts'
import { LevelEngine } from './level-engine.ts'
import { LSM_SETTINGS, type LsmSettings, lsmSettings } from './settings.ts'

export const DEFAULTS: LsmSettings = lsmSettings(
  Object.fromEntries(LSM_SETTINGS.map((setting) => [setting.name, setting.default])),
)
/** Every commit writes this row anew, beside rows of its own. */
const SHARED_KEY = 0
const PEER = 1
const PEER_LOG = 4711

interface Commit {
  readonly rows: ReadonlyMap<number, Buffer>
  /** Rows logged up to and with this commit. */
  readonly head: number
  readonly version: number
  readonly payload: Buffer
}

export class Written implements Disposable {
  readonly settings: LsmSettings
  readonly commits: Commit[] = []
  /** The folder as it was left. */
  readonly folder: string
  readonly #root = mkdtempSync(join(tmpdir(), 'geowrite-level-'))
  #copies = 0

  private constructor(settings: LsmSettings) {
    this.settings = settings
    this.folder = join(this.#root, 'left')
  }

  /** @param rest what is done with the engine after the commits; then it is killed, as far as its files can tell. */
  static async make(
    { seed, commits, ...settings }: { readonly seed: number; readonly commits: number } & Partial<LsmSettings>,
    rest: (engine: LevelEngine) => Promise<void> = async () => undefined,
  ): Promise<Written> {
    // Few remembered rows: making room for many takes longer than all else.
    const written = new Written({ ...DEFAULTS, sync: true, recentRows: 1024, ...settings })
    const running = join(written.#root, 'running')
    const engine = new LevelEngine(running, written.settings, false)
    await engine.open()
    const random = randomStream(seed)
    for (let i = 0; i < commits; i++) {
      const commit = written.#next(random.uint32)
      for (const [key, record] of commit.rows) engine.put(key, commit.version, commit.version + 1, record)
      engine.append(commit.head, commit.payload)
      engine.setApplied(PEER, { logId: PEER_LOG, position: commit.head })
      await engine.commit(commit.head, commit.version)
    }
    await rest(engine)
    cpSync(running, written.folder, { recursive: true })
    await engine.close()
    return written
  }

  /** Names of the files that end so. */
  files(end: string): string[] {
    return readdirSync(this.folder).filter((name) => name.endsWith(end))
  }

  /** A copy of the folder, that may be hurt. */
  copy(): string {
    const copy = join(this.#root, String(this.#copies++))
    cpSync(this.folder, copy, { recursive: true })
    return copy
  }

  /**
   * Opens a copy and asserts that it holds a prefix of the commits: their rows, log entries and position, and nothing of the
   * others. Returns how many, and what the node's log was told. Rejects with what `open` rejects with.
   */
  async opened(copy: string): Promise<{ readonly commits: number; readonly lines: readonly string[] }> {
    const lines: string[] = []
    const failed = (failure: Error) => assert.fail(failure)
    const engine = new LevelEngine(copy, this.settings, false, { log: (line) => lines.push(line), failed })
    const state = await engine.open()
    try {
      const commits = this.commits.findIndex(({ head }) => head === state.head) + 1
      assert.ok(commits > 0 || state.head === 0, `a head of ${state.head} rows`)
      const there = this.commits.slice(0, commits)
      const expected = new Map<number, Buffer | undefined>()
      for (const { rows } of this.commits) for (const key of rows.keys()) expected.set(key, undefined)
      for (const { rows } of there) for (const [key, record] of rows) expected.set(key, record)
      assert.deepEqual(await engine.read([...expected.keys()]), [...expected.values()])
      const heads = there.map(({ head }) => head)
      assert.deepEqual(state.entries, heads)
      assert.equal(state.highestVersion, there.at(-1)?.version ?? 0)
      assert.deepEqual(
        state.applied.get(PEER),
        commits === 0 ? undefined : { logId: PEER_LOG, position: heads[commits - 1] },
      )
      assert.deepEqual(
        await engine.entriesAfter(0, Number.POSITIVE_INFINITY),
        there.map(({ head, payload }) => ({ position: head, payload })),
      )
      return { commits, lines }
    } finally {
      await engine.close()
      rmSync(copy, { recursive: true })
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true })
  }

  #next(random: () => number): Commit {
    const number = this.commits.length + 1
    const version = 16 * number
    const rows = new Map<number, Buffer>()
    const own = Array.from({ length: random() % 4 }, (_, i) => 10 * number + i)
    for (const key of [SHARED_KEY, ...own]) {
      // Most records are short; some are longer than a block of a log.
      const record = Buffer.alloc(17 + (random() % 16 === 0 ? random() % 40_000 : random() % 200), random() & 255)
      record.writeDoubleLE(version + 1, 0)
      record.writeDoubleLE(version, 8)
      rows.set(key, record)
    }
    const head = (this.commits.at(-1)?.head ?? 0) + rows.size
    const commit = { rows, head, version, payload: packRecords([...rows.keys()], [...rows.values()]) }
    this.commits.push(commit)
    return commit
  }
}
