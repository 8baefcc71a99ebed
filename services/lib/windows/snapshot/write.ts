import { ByteWriter } from './byte-writer.ts';
import { checksumOf, contentFrame, endFrame, frameHead, headerFrame, magic, maxPayload } from './frames.ts';

export interface SnapshotFormat {
  /** What the snapshot is of. */
  readonly kind: string;
  /** Raised when the content's layout changes. */
  readonly version: number;
}

/**
 * Writes the content. Each yield marks the end of a record: a frame never ends within one. A record is at most `maxRecord` bytes.
 */
export type SnapshotContent = (out: ByteWriter) => Iterable<unknown>;

/** Frames are cut at the first record that ends beyond this: small enough to be written within a millisecond. */
const frameTarget = 65_536;

/** Bytes that one record may take. */
export const maxRecord = maxPayload - frameTarget;

/**
 * The frames of a snapshot, each a Buffer of its own, at most 1 MiB and mostly about 64 KiB. The content is written as the frames are
 * asked for, so the caller may let other work run between two of them. RangeError when a record is too large.
 */
export function* snapshotFrames(format: SnapshotFormat, content: SnapshotContent): Generator<Buffer> {
  const out = new ByteWriter();
  let index = 0;
  const frame = (): Buffer => {
    const payload = out.take();
    if (payload.length > maxPayload) throw new RangeError(`a snapshot's record has more than ${maxRecord} bytes`);
    const head = Buffer.allocUnsafe(frameHead);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(checksumOf(index++, payload), 4);
    return Buffer.concat([head, payload]);
  };

  out.byte(headerFrame);
  out.text(magic);
  out.text(format.kind);
  out.uint(format.version);
  yield frame();

  const open = (): void => out.byte(contentFrame);
  open();
  for (const _ of content(out)) {
    if (out.length < frameTarget) continue;
    yield frame();
    open();
  }
  if (out.length > 1) {
    yield frame();
  } else {
    out.take();
  }

  const contentFrames = index - 1;
  out.byte(endFrame);
  out.uint(contentFrames);
  yield frame();
}
