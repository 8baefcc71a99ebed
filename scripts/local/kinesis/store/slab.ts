/** A record's bytes and key are at most 1 MiB together (PutRecord, API reference), so any record fits any slab with its header. */
export const slabBytes = 1_048_576 + 65_536;

/** Layout: f64 counter, f64 arrival (epoch ms), u32 data length, u16 key length, u8 plain-key flag, 1 spare; then key, then data. */
export const headerBytes = 24;
const arrivalAt = 8;
const dataLengthAt = 16;
const keyLengthAt = 20;
const plainKeyAt = 22;

const firstOffsets = 1_024;
/** A key that is its own JSON string: printable ASCII without quote and backslash. Lets answers copy it as it is. */
const plainKey = /^[ !#-[\]-~]*$/;

/** One block of off-heap memory holding records back to back, oldest first. Offsets returned are valid until `clear`. */
export class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(slabBytes);
  readonly #view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  #offsets = new Uint32Array(firstOffsets);
  #used = 0;
  count = 0;

  /** Appends a record; false when it does not fit. `data` is taken from [start, end). */
  append(counter: number, arrivalMs: number, key: string, keyBytes: number, data: Buffer, start: number, end: number): boolean {
    const offset = this.#used;
    const keyAt = offset + headerBytes;
    const dataAt = keyAt + keyBytes;
    if (dataAt + (end - start) > slabBytes) return false;
    const view = this.#view;
    view.setFloat64(offset, counter);
    view.setFloat64(offset + arrivalAt, arrivalMs);
    view.setUint32(offset + dataLengthAt, end - start);
    view.setUint16(offset + keyLengthAt, keyBytes);
    view.setUint8(offset + plainKeyAt, plainKey.test(key) ? 1 : 0);
    this.bytes.write(key, keyAt, keyBytes, 'utf8');
    data.copy(this.bytes, dataAt, start, end);
    this.#used = dataAt + (end - start);
    if (this.count === this.#offsets.length) this.#grow();
    this.#offsets[this.count++] = offset;
    return true;
  }

  clear(): void {
    this.count = 0;
    this.#used = 0;
  }

  offsetOf(index: number): number {
    return this.#offsets[index] ?? 0;
  }
  counterAt(offset: number): number {
    return this.#view.getFloat64(offset);
  }
  arrivalAt(offset: number): number {
    return this.#view.getFloat64(offset + arrivalAt);
  }
  dataLengthAt(offset: number): number {
    return this.#view.getUint32(offset + dataLengthAt);
  }
  keyLengthAt(offset: number): number {
    return this.#view.getUint16(offset + keyLengthAt);
  }
  isKeyPlainAt(offset: number): boolean {
    return this.#view.getUint8(offset + plainKeyAt) === 1;
  }

  counterOf(index: number): number {
    return this.counterAt(this.offsetOf(index));
  }
  arrivalOf(index: number): number {
    return this.arrivalAt(this.offsetOf(index));
  }
  get lastCounter(): number {
    return this.counterOf(this.count - 1);
  }
  get lastArrival(): number {
    return this.arrivalOf(this.count - 1);
  }

  #grow(): void {
    const larger = new Uint32Array(this.#offsets.length * 2);
    larger.set(this.#offsets);
    this.#offsets = larger;
  }
}
