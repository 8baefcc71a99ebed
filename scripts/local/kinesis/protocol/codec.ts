import type { Input } from './input.ts';
import type { PutResults, ReadResults } from './results.ts';

/** One of the two body formats. Decoding throws a SerializationException on anything malformed. */
export interface Codec {
  readonly contentType: string;
  decode(body: Buffer): Input;
  encode(output: Readonly<Record<string, unknown>>): Buffer;
  /** Blobs of requests, without a Buffer per blob: their length in bytes, and their bytes written into `target`. */
  blobLength(blob: unknown): number;
  writeBlob(blob: unknown, target: Buffer, at: number): void;
  encodePut(results: PutResults): Buffer;
  encodeRead(results: ReadResults): Buffer;
}
