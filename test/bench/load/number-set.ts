const FIRST_BYTES = 64;

/** Small whole numbers, a bit each: a thousand followers remember every message of a run. */
export class NumberSet {
  #bits = new Uint8Array(FIRST_BYTES);

  /** @returns whether it was not there yet */
  add(number: number): boolean {
    const byte = number >> 3;
    const bit = 1 << (number & 7);
    if (byte >= this.#bits.length) this.#growTo(byte + 1);
    const bits = this.#bits[byte]!;
    this.#bits[byte] = bits | bit;
    return (bits & bit) === 0;
  }

  #growTo(bytes: number): void {
    const bits = new Uint8Array(Math.max(bytes, 2 * this.#bits.length));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}
