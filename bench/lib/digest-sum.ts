// Order-independent digests of rows by bucket: a 64-bit hash over key, dot, version and content, summed and xored.
import xxhash from 'xxhash-wasm'

const { h64Raw } = await xxhash()
/** Bytes of a record before its content: dot and version. */
const HEAD_BYTES = 16

export class DigestSum {
  readonly counts: Float64Array
  readonly sums: BigUint64Array
  readonly xors: BigUint64Array
  #scratch = Buffer.alloc(1024)

  constructor(buckets: number) {
    this.counts = new Float64Array(buckets)
    this.sums = new BigUint64Array(buckets)
    this.xors = new BigUint64Array(buckets)
  }

  /** Adds a row whose record holds its dot, version and content in any encoding that is the same in all DCs. */
  add(key: number, record: Uint8Array): void {
    this.#scratchFor(8 + record.length).set(record, 8)
    this.#addScratch(key, 8 + record.length)
  }

  /** Adds a row by its parts. */
  addRow(key: number, dot: number, version: number, content: Uint8Array): void {
    const scratch = this.#scratchFor(8 + HEAD_BYTES + content.length)
    scratch.writeDoubleLE(dot, 8)
    scratch.writeDoubleLE(version, 16)
    scratch.set(content, 8 + HEAD_BYTES)
    this.#addScratch(key, 8 + HEAD_BYTES + content.length)
  }

  #scratchFor(length: number): Buffer {
    if (length > this.#scratch.length) this.#scratch = Buffer.alloc(2 * length)
    return this.#scratch
  }

  #addScratch(key: number, length: number): void {
    this.#scratch.writeDoubleLE(key, 0)
    const hash = h64Raw(this.#scratch.subarray(0, length))
    const bucket = key % this.counts.length
    this.counts[bucket]++
    this.sums[bucket] += hash
    this.xors[bucket] ^= hash
  }
}
