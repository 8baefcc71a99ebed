/** What the store knows of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly modifiedAtMs: number;
}

/**
 * The object store as the services use it, on a directory (`file:///dir`) or S3 (`s3://bucket/prefix`).
 * Keys are `/`-separated segments of [A-Za-z0-9._=@-]; a key is written whole or not at all.
 * Failures reject with OBJECT_UNAVAILABLE (retriable), OBJECT_MISSING or OBJECT_CORRUPT.
 */
export interface ObjectStore {
  /** Exclusive: never overwrites; `exists` when the key is taken. */
  create(key: string, body: Buffer, contentType?: string): Promise<'created' | 'exists'>;
  read(key: string): Promise<Buffer>;
  /** Undefined when the key does not exist. `sha256` (hex) as stored with the object. */
  head(key: string): Promise<(ObjectInfo & { readonly sha256: string }) | undefined>;
  /** In key order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Deleting a missing key is fine. */
  delete(key: string): Promise<void>;
}
