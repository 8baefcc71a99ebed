import { isAfter, type Position } from '../../lib/kcl/position.ts';
import type { LoadChain } from '../../lib/warehouse/load.ts';
import type { FileRow } from '../registry/registry-rows.ts';

/** One shard as read: registry first, watermark after (the other way round, a commit in between looks like a gap). */
export interface ShardView {
  readonly shardId: string;
  readonly head: Position;
  readonly watermark: Position;
  /** In order of `from`; may hold files that are loaded already. */
  readonly files: readonly FileRow[];
}

export interface PlanLimits {
  readonly maxFiles: number;
  /** Of CSV, uncompressed: what the warehouse has to take in one transaction. */
  readonly maxBytes: number;
}

export interface FileChain extends LoadChain {
  readonly files: readonly [FileRow, ...FileRow[]];
}

/** Files that follow each other without a hole, the first one from the watermark. */
export interface ChainView {
  readonly shardId: string;
  readonly chain: readonly FileRow[];
  /** Something is registered beyond the watermark, but no file starts there. */
  readonly gap: boolean;
}

export function chainOf({ shardId, head, watermark, files }: ShardView): ChainView {
  const chain: FileRow[] = [];
  let at = watermark;
  for (const file of files) {
    if (file.from !== at) continue;
    chain.push(file);
    at = file.to;
  }
  return { shardId, chain, gap: chain.length === 0 && isAfter(head, watermark) };
}

export interface Plan {
  readonly chains: readonly FileChain[];
  /** Files wait that this batch has no room for. */
  readonly more: boolean;
}

/**
 * The oldest registered files first, each shard's in their own order, at least one, else within the limits.
 * Stops at the first file that does not fit, so that a large one is not overtaken for ever.
 */
export function planBatch(views: readonly ChainView[], limits: PlanLimits): Plan {
  const queues = views.filter((view) => view.chain.length > 0).map((view) => ({ shardId: view.shardId, files: [...view.chain] }));
  const taken = new Map<string, FileRow[]>();
  let count = 0;
  let bytes = 0;
  for (;;) {
    const queue = oldest(queues);
    const file = queue?.files[0];
    if (queue === undefined || file === undefined) return { chains: chainsOf(taken), more: false };
    if (count > 0 && (count + 1 > limits.maxFiles || bytes + file.csvBytes > limits.maxBytes))
      return { chains: chainsOf(taken), more: true };
    queue.files.shift();
    taken.set(queue.shardId, [...(taken.get(queue.shardId) ?? []), file]);
    count += 1;
    bytes += file.csvBytes;
  }
}

interface Queue {
  readonly shardId: string;
  readonly files: FileRow[];
}

function oldest(queues: readonly Queue[]): Queue | undefined {
  let best: Queue | undefined;
  for (const queue of queues) {
    const at = queue.files[0]?.registeredAt;
    if (at !== undefined && at < (best?.files[0]?.registeredAt ?? Number.POSITIVE_INFINITY)) best = queue;
  }
  return best;
}

function chainsOf(taken: ReadonlyMap<string, readonly FileRow[]>): FileChain[] {
  return [...taken].flatMap(([shardId, [first, ...rest]]) => (first === undefined ? [] : [{ shardId, files: [first, ...rest] as const }]));
}

/** Cuts each chain before its first file that cannot be loaded: the shard's later files wait with it. */
export function withoutFiles(views: readonly ChainView[], unloadable: ReadonlySet<string>): ChainView[] {
  return views.map((view) => {
    const at = view.chain.findIndex((file) => file.object !== undefined && unloadable.has(file.object.key));
    return at < 0 ? view : { ...view, chain: view.chain.slice(0, at) };
  });
}
