/** Writes ASCII texts into one growing buffer: a string of 13 MB would be built, flattened and copied once more. */
export class AsciiWriter {
  #buffer: Buffer;
  #length = 0;

  /** `capacity` spares copies when the size is about known. */
  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  write(text: string): void {
    if (this.#length + text.length > this.#buffer.length) this.#grow(text.length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
