import { ApiError } from './protocol/errors.ts';

/** Holds a PutRecords of 10 MiB in base64 with its names; AWS refuses larger bodies too. */
export const maxBodyBytes = 16_777_216;

export const tooLarge = (): ApiError => new ApiError('RequestEntityTooLargeException', `The body exceeds ${maxBodyBytes} bytes.`);

/** Collects a body, into one buffer when content-length announced its size; drops it once it exceeds the limit. */
export class BodyCollector {
  readonly #announced: Buffer | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(contentLength: string | undefined) {
    const expected = Number(contentLength ?? Number.NaN);
    if (Number.isInteger(expected) && expected >= 0 && expected <= maxBodyBytes) this.#announced = Buffer.allocUnsafe(expected);
  }

  get overflowed(): boolean {
    return this.#length > (this.#announced?.length ?? maxBodyBytes);
  }

  add(chunk: Buffer): void {
    const at = this.#length;
    this.#length += chunk.length;
    if (this.overflowed) this.#chunks = [];
    else if (this.#announced === undefined) this.#chunks.push(chunk);
    else chunk.copy(this.#announced, at);
  }

  take(): Buffer {
    return this.#announced?.subarray(0, this.#length) ?? Buffer.concat(this.#chunks);
  }
}
