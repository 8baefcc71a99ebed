import { ApiError } from './protocol/errors.ts';

/** Holds a PutRecords of 10 MiB in base64 with its names; AWS refuses larger bodies too. */
export const maxBodyBytes = 16_777_216;

export const tooLarge = (): ApiError => new ApiError('RequestEntityTooLargeException', `The body exceeds ${maxBodyBytes} bytes.`);

/** Buffers for bodies of the usual large size: taking fresh memory for each costs as much as reading it (page faults). */
const pooledBytes = 1_048_576;
const worthPooling = 65_536;
const maxPooled = 16;
const pool: Buffer[] = [];

/** Collects a body, into one buffer when content-length announced its size; drops it once it exceeds the limit. */
export class BodyCollector {
  readonly #announced: number | undefined;
  #buffer: Buffer | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(contentLength: string | undefined) {
    const expected = Number(contentLength ?? Number.NaN);
    if (!Number.isInteger(expected) || expected < 0 || expected > maxBodyBytes) return;
    this.#announced = expected;
    const pooled = expected >= worthPooling && expected <= pooledBytes;
    this.#buffer = pooled ? (pool.pop() ?? Buffer.allocUnsafeSlow(pooledBytes)) : Buffer.allocUnsafe(expected);
  }

  get overflowed(): boolean {
    return this.#length > (this.#announced ?? maxBodyBytes);
  }

  add(chunk: Buffer): void {
    const at = this.#length;
    this.#length += chunk.length;
    if (this.overflowed) this.#chunks = [];
    else if (this.#buffer === undefined) this.#chunks.push(chunk);
    else chunk.copy(this.#buffer, at);
  }

  /** The body, valid until `release`. */
  take(): Buffer {
    return this.#buffer?.subarray(0, this.#length) ?? Buffer.concat(this.#chunks);
  }

  /** Gives the memory back; nothing may look at the body any more. */
  release(): void {
    if (this.#buffer?.length === pooledBytes && pool.length < maxPooled) pool.push(this.#buffer);
    this.#buffer = undefined;
  }
}
