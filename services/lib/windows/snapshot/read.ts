import { ByteReader } from './byte-reader.ts';
import { checksumOf, contentFrame, endFrame, frameHead, headerFrame, magic, maxPayload, partFrame } from './frames.ts';
import { corrupt, SnapshotError } from './snapshot-error.ts';

export interface ReadableFormat {
  readonly kind: string;
  /** Format versions that the caller can read. */
  readonly versions: readonly number[];
}

/** Whole records, as the writer's content wrote them. */
export interface SnapshotFrame {
  readonly version: number;
  readonly content: ByteReader;
}

/**
 * Reads a snapshot from its bytes, however they are cut. Frames are handed on as they are found to be sound; that none is missing
 * is known only at the end: drop what was read when this throws. Throws SNAPSHOT_CORRUPT and SNAPSHOT_VERSION.
 */
export function* readSnapshot(chunks: Iterable<Uint8Array>, format: ReadableFormat): Generator<SnapshotFrame> {
  const parser = new FrameParser(format);
  for (const chunk of chunks) {
    parser.push(chunk);
    yield* parser.frames();
  }
  parser.end();
}

/** The same from a stream. */
export async function* readSnapshotStream(chunks: AsyncIterable<Uint8Array>, format: ReadableFormat): AsyncGenerator<SnapshotFrame> {
  const parser = new FrameParser(format);
  for await (const chunk of chunks) {
    parser.push(chunk);
    yield* parser.frames();
  }
  parser.end();
}

class FrameParser {
  readonly #format: ReadableFormat;
  #chunks: Uint8Array[] = [];
  #available = 0;
  #index = 0;
  #version: number | undefined;
  #ended = false;
  /** Of a record that takes several frames. */
  #parts: Buffer[] = [];

  constructor(format: ReadableFormat) {
    this.#format = format;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /** The content frames that are complete. */
  *frames(): Generator<SnapshotFrame> {
    for (let payload = this.#payload(); payload !== undefined; payload = this.#payload()) {
      const content = new ByteReader(payload);
      const kind = content.byte();
      if (this.#version === undefined) {
        this.#version = this.#header(kind, content);
      } else if (kind === partFrame) {
        this.#parts.push(payload.subarray(1));
      } else if (kind === contentFrame) {
        const parts = this.#parts;
        this.#parts = [];
        const whole = parts.length === 0 ? content : new ByteReader(Buffer.concat([...parts, payload.subarray(1)]));
        yield { version: this.#version, content: whole };
      } else {
        this.#end(kind, content);
      }
    }
  }

  end(): void {
    if (this.#available > 0) throw corrupt('it is cut off, or bytes follow its end');
    if (!this.#ended) throw corrupt('it is cut off');
  }

  #payload(): Buffer | undefined {
    if (this.#available < frameHead || this.#ended) return undefined;
    const length = this.#peek(frameHead).readUInt32LE(0);
    if (length === 0 || length > maxPayload) throw corrupt(`a frame of ${length} bytes`);
    if (this.#available < frameHead + length) return undefined;
    const frame = this.#peek(frameHead + length);
    this.#drop(frameHead + length);
    const payload = frame.subarray(frameHead, frameHead + length);
    if (checksumOf(this.#index++, payload) !== frame.readUInt32LE(4)) throw corrupt(`the checksum of frame ${this.#index} is wrong`);
    return payload;
  }

  #header(kind: number, content: ByteReader): number {
    if (kind !== headerFrame || content.text() !== magic) throw corrupt('it has no header');
    const found = content.text();
    if (found !== this.#format.kind) throw corrupt(`it is of ${found}, expected ${this.#format.kind}`);
    const version = content.uint();
    if (!this.#format.versions.includes(version)) {
      throw new SnapshotError(
        'SNAPSHOT_VERSION',
        `a snapshot of ${found} has format version ${version}; this build reads ${this.#format.versions.join(', ')}`,
      );
    }
    return version;
  }

  #end(kind: number, content: ByteReader): void {
    const contentFrames = this.#index - 2;
    if (kind !== endFrame || this.#parts.length > 0 || content.uint() !== contentFrames || !content.done)
      throw corrupt('its frames are not those that were written');
    this.#ended = true;
  }

  /** At least the next `length` bytes in one piece; there are as many. */
  #peek(length: number): Buffer {
    let [first = new Uint8Array()] = this.#chunks;
    if (first.length < length) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    return Buffer.from(first.buffer, first.byteOffset, first.length);
  }

  #drop(length: number): void {
    const [first = new Uint8Array()] = this.#chunks;
    this.#available -= length;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
  }
}
