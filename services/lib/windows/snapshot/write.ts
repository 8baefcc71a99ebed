import { ByteWriter } from './byte-writer.ts';
import { checksumOf, contentFrame, endFrame, frameHead, headerFrame, magic, maxPayload, partFrame } from './frames.ts';

export interface SnapshotFormat {
  /** What the snapshot is of. */
  readonly kind: string;
  /** Raised when the content's layout changes. */
  readonly version: number;
}

const maxContent = maxPayload - 1;

/** Writes the content. Each yield marks the end of a record, if one was written: a frame ends there, unless the record alone is larger than one. */
export type SnapshotContent = (out: ByteWriter) => Iterable<unknown>;

/** Frames are cut at the first record that ends beyond this: small enough to be written within a millisecond, … */
const frameTarget = 65_536;
/** … or after so many yields, since much of what is walked over may be of no more use and write nothing. Such a frame may be empty. */
const frameYields = 4_096;

/**
 * The frames of a snapshot, each a Buffer of its own, at most 1 MiB and mostly about 64 KiB. The content is written as the frames are
 * asked for, so the caller may let other work run between two of them.
 */
export function* snapshotFrames(format: SnapshotFormat, content: SnapshotContent): Generator<Buffer> {
  const out = new ByteWriter();
  let index = 0;
  const frame = (kind: number, bytes: Uint8Array): Buffer => {
    const payload = Buffer.concat([Buffer.of(kind), bytes]);
    const head = Buffer.allocUnsafe(frameHead);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(checksumOf(index++, payload), 4);
    return Buffer.concat([head, payload]);
  };
  function* contentFrames(): Generator<Buffer> {
    let bytes = out.take();
    for (; bytes.length > maxContent; bytes = bytes.subarray(maxContent)) yield frame(partFrame, bytes.subarray(0, maxContent));
    yield frame(contentFrame, bytes);
  }

  out.text(magic);
  out.text(format.kind);
  out.uint(format.version);
  yield frame(headerFrame, out.take());

  let yields = 0;
  for (const _ of content(out)) {
    if (++yields < frameYields && out.length < frameTarget) continue;
    yields = 0;
    yield* contentFrames();
  }
  if (out.length > 0) yield* contentFrames();

  out.uint(index - 1);
  yield frame(endFrame, out.take());
}
