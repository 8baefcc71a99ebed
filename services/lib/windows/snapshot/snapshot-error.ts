/**
 * SNAPSHOT_CORRUPT: the bytes are not what a writer wrote (damaged, cut off, of another kind). SNAPSHOT_VERSION: they are sound, but of
 * a format version that this build does not read.
 */
export type SnapshotErrorCode = 'SNAPSHOT_CORRUPT' | 'SNAPSHOT_VERSION';

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export const corrupt = (what: string, cause?: unknown): SnapshotError =>
  new SnapshotError('SNAPSHOT_CORRUPT', `not a sound snapshot: ${what}`, cause === undefined ? undefined : { cause });
