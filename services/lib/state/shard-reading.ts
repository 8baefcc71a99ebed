import type { Position } from '../kcl/position.ts';
import type { StreamRecord } from '../kcl/processor.ts';
import type { Shard } from '../kcl/shards.ts';

/** The stream beside KCL: which shards there are, and what lies in them. */
export interface StreamReading {
  /** All that the stream still lists, closed ones included. Rejects with STREAM_UNAVAILABLE. */
  listShards(): Promise<readonly Shard[]>;
  /**
   * Records after `after` up to `upTo` (inclusive, a record of the shard) or to the shard's end, in order, strays left out. Rejects with
   * STREAM_TRIMMED when some of them are older than the retention.
   */
  read(shard: Shard, after: Position, upTo: Position | 'end'): AsyncIterable<readonly StreamRecord[]>;
  /** Nothing that was ever on the stream can have left it yet. */
  readonly untrimmed: boolean;
}
