// Every row of a DC, read with a client of its own and a plain SELECT, and whether one write made all of its cells.
import { Client, policies, types } from 'cassandra-driver'
import type { Endpoints } from '../../bench/contract/driver.ts'
import type { Dc } from '../../bench/contract/topology.ts'
import { OPERATION, type Column } from '../../bench/contract/table.ts'
import { ContentMaker } from '../../bench/lib/content.ts'
import { loadedDot, LOADED_VERSION } from '../../bench/lib/dot.ts'
import type { LedgerWrite } from '../../bench/planted-truth.fixture.ts'
import { clientIdentityOf, cqlPort } from './names.ts'

type Cells = Readonly<Record<string, unknown>>

/** A row as the store holds it: harness columns and own columns by name; `bytes` where it is kept as one value. */
export interface StoredRow {
  readonly key: number
  readonly dot: number
  readonly version: number
  readonly cells: Cells
  readonly bytes?: Buffer
}

const { AddressTranslator } = policies.addressResolution as unknown as { AddressTranslator: new () => object }

/** The table of one DC, in no order. Servers name addresses at which nothing listens; the first server of the DC is asked. */
export async function everyRow(endpoints: Endpoints, dc: Dc, table: string): Promise<StoredRow[]> {
  const { host, port } = endpoints[dc.name][cqlPort(0)]
  const place = `${host}:${port}`
  const identity = clientIdentityOf({ dc, copy: 0 })
  const translator = Object.assign(new AddressTranslator(), {
    translate: (address: string, portThere: number, callback: (endpoint: string) => void) =>
      callback(address === identity ? place : `${address}:${portThere}`),
  })
  const client = new Client({
    contactPoints: [place],
    localDataCenter: dc.name,
    policies: {
      addressResolution: translator,
      loadBalancing: new policies.loadBalancing.AllowListPolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(dc.name),
        [place],
      ),
    },
    protocolOptions: { maxVersion: 4 },
    queryOptions: { consistency: types.consistencies.localOne, fetchSize: 1000 },
  })
  try {
    const rows: StoredRow[] = []
    for await (const row of client.stream(`SELECT * FROM geowrite.${table}`) as unknown as AsyncIterable<types.Row>)
      rows.push(storedRow(row))
    return rows
  } finally {
    await client.shutdown()
  }
}

function storedRow({ key, dot, version, row: bytes, ...cells }: types.Row): StoredRow {
  const long = (value: unknown) => (value as types.Long).toNumber()
  if (!Buffer.isBuffer(bytes)) {
    return { key: long(key), dot: long(dot), version: long(version), cells }
  }
  const [dotOfRow, versionOfRow] = [0, 8].map((at) => Number(bytes.readBigInt64BE(at)))
  return { key: long(key), dot: dotOfRow, version: versionOfRow, cells: {}, bytes: bytes.subarray(16) }
}

/** What a row is made of: of one write, or of several; `identity` where only dot and version are of two. */
export type Making = 'one write' | 'several' | 'identity'

/** Judges rows by the writes that a run's ledger has, whose content is a function of seed and dot. */
export class RowJudge {
  readonly #maker: ContentMaker
  readonly #columns: readonly Column[]
  readonly #byKey: ReadonlyMap<number, readonly LedgerWrite[]>

  constructor(columns: readonly Column[], seed: number, writes: readonly LedgerWrite[]) {
    this.#maker = new ContentMaker(columns, seed)
    this.#columns = columns
    this.#byKey = Map.groupBy(writes, ({ key }) => key)
  }

  making(row: StoredRow): Making {
    const loaded = { dot: loadedDot(row.key), version: LOADED_VERSION, operation: OPERATION.insert }
    const writes = [loaded, ...(this.#byKey.get(row.key) ?? [])]
    const ofContent = writes.filter((write) => this.#madeContent(write, row))
    if (ofContent.some(({ dot, version }) => dot === row.dot && version === row.version)) return 'one write'
    return ofContent.length > 0 ? 'identity' : 'several'
  }

  #madeContent({ dot, operation }: Pick<LedgerWrite, 'dot' | 'operation'>, { cells, bytes }: StoredRow): boolean {
    const isDelete = operation === OPERATION.delete
    if (bytes !== undefined) return bytes.equals(isDelete ? Buffer.alloc(0) : this.#maker.expected(dot))
    const made = this.#maker.allocate(1)
    this.#maker.fill(made, 0, dot)
    return this.#columns.every(({ name }, c) => {
      if (isDelete) return cells[name] === null
      const values = made[c]
      if (values.type === 'int') return cells[name] === values.values[0]
      const { pool, starts, lengths } = values
      return cells[name] === Buffer.from(pool.subarray(starts[0], starts[0] + lengths[0])).toString('latin1')
    })
  }
}
