// Numbers and byte strings as LevelDB codes them (util/coding.h): 7 bits a byte, lowest first, and strings behind their length.

/** Reads on from the start; throws RangeError where the bytes end too early. */
export class CodedBytes {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length
  }

  /** A varint32 or varint64; above 2^53 the nearest number. */
  number(): number {
    let number = 0
    for (let factor = 1; ; factor *= 128) {
      if (this.ended || factor > 2 ** 63) throw new RangeError('a number has no end')
      const byte = this.#bytes[this.at++]
      number += (byte & 127) * factor
      if (byte < 128) return number
    }
  }

  bytes(length: number): Buffer {
    if (length > this.#bytes.length - this.at) throw new RangeError('a string has no end')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  /** A string behind its length. */
  string(): Buffer {
    return this.bytes(this.number())
  }
}
