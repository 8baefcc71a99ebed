import type { HashRange } from '../kcl/shards.ts';
import { ByteReader } from '../windows/snapshot/byte-reader.ts';
import { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import type { SnapshotFrame } from '../windows/snapshot/read.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';
import type { SnapshotTurn } from '../windows/snapshot/turn.ts';
import { snapshotFrames } from '../windows/snapshot/write.ts';
import type { EventId } from '../windows/tables/event-id.ts';
import type { IdSet } from '../windows/tables/id-set.ts';
import { PackedKey } from '../windows/tables/packed-key.ts';
import type { RuleTime } from './compile.ts';
import type { Floor } from './floors.ts';
import { addressOf } from './rule-kinds.ts';
import { type RuleMemory, readId } from './rule-memory.ts';
import { readLastTime, readTime } from './time-bytes.ts';

/** A build reads the version it writes and the one before. Version 2 tells neither the newest event nor which rules are warming. */
const version = 3;
export const snapshotFormat = { kind: 'rule-state', version, versions: [2, version] };

/** The content is a list of records: the shard's own, one per rule, then ids and keys as they come. */
const records = { shard: 1, rule: 2, id: 3, key: 4 } as const;

/** Keys that changed before the walk came to them wait in pieces of about this size. */
const pieceBytes = 65_536;

export interface ShardHead {
  /** Epoch ms. */
  readonly watermark: number;
  /** occurredAt of the newest event used on the shard or its ancestors, epoch ms. */
  readonly newest: number;
  readonly range: HashRange;
  readonly floors: readonly Floor[];
}

export interface ShardContent extends ShardHead {
  readonly latenessMs: number;
  /** Oldest time that an event to come can have, epoch ms. */
  readonly horizon: number;
  /** Ids before it are not written. */
  readonly idHorizon: number;
  readonly ids: IdSet;
  readonly memories: readonly RuleMemory[];
  readonly turn: SnapshotTurn;
}

/** The frames of a state as it is at the call. */
export function stateFrames(content: ShardContent): Generator<Buffer> {
  const { horizon, idHorizon, ids, memories, turn } = content;
  const changed = new Pieces();
  ids.beginWalk(idHorizon);
  memories.forEach((memory, i) => memory.beginWalk(horizon, () => changed.add((out) => writeKey(out, memory, i))));
  const rules = memories.map((memory, i) => ({
    index: i,
    address: addressOf(memory.rule),
    ...memory.bounds,
    warmingUntil: memory.warmingUntil,
  }));

  function* walk(out: ByteWriter): Generator<void> {
    writeHead(out, content);
    for (const { index, address, floor, evicted, warmingUntil } of rules) {
      out.byte(records.rule);
      out.uint(index);
      out.text(address);
      out.float64(floor);
      out.uint(evicted);
      out.float64(warmingUntil);
    }
    yield;
    yield* ids.walk((id, time) => writeId(out, id, time));
    for (const [i, memory] of memories.entries()) yield* memory.walk(() => writeKey(out, memory, i));
  }

  function* walkWithChanges(out: ByteWriter): Generator<void> {
    for (const _ of walk(out)) {
      yield;
      yield* changed.drain(out);
    }
    yield* changed.drain(out);
  }

  const end = (): void => {
    ids.endWalk();
    for (const memory of memories) memory.endWalk();
  };
  return turn.take(snapshotFrames(snapshotFormat, walkWithChanges), end);
}

/** Records that wait to be written. */
class Pieces {
  readonly #full: Buffer[] = [];
  readonly #open = new ByteWriter();

  add(write: (out: ByteWriter) => void): void {
    write(this.#open);
    if (this.#open.length >= pieceBytes) this.#full.push(this.#open.take());
  }

  *drain(out: ByteWriter): Generator<void> {
    if (this.#open.length > 0) this.#full.push(this.#open.take());
    for (let piece = this.#full.shift(); piece !== undefined; piece = this.#full.shift()) {
      out.raw(piece);
      yield;
    }
  }
}

function writeHead(out: ByteWriter, { watermark, newest, latenessMs, range, floors }: ShardContent): void {
  out.byte(records.shard);
  out.float64(watermark);
  out.float64(newest);
  out.uint(latenessMs);
  writeRange(out, range);
  out.uint(floors.length);
  for (const floor of floors) {
    writeRange(out, floor.range);
    out.float64(floor.watermark);
  }
}

function writeRange(out: ByteWriter, { start, end }: HashRange): void {
  out.text(start.toString(16));
  out.text(end.toString(16));
}

function writeId(out: ByteWriter, { a, b, c, d }: EventId, time: number): void {
  out.byte(records.id);
  out.word(a);
  out.word(b);
  out.word(c);
  out.word(d);
  out.float64(time);
}

const keyBytes = new ByteWriter();

/** With its length, so that a reader can pass over a rule that it does not know. */
function writeKey(out: ByteWriter, memory: RuleMemory, index: number): void {
  if (!memory.writeKey(keyBytes)) return;
  out.byte(records.key);
  out.uint(index);
  out.bytes(keyBytes.take());
}

/** What a snapshot's records are put into. */
export interface Restored {
  readonly addId: (id: EventId, time: number) => void;
  readonly memories: readonly RuleMemory[];
  /** Of a child: whose keys it takes. It begins without the bounds of its parents' rules. */
  readonly inherits?: (key: string) => boolean;
}

/** Puts the content of a snapshot's frames, in their order, into a state. */
export class ShardRestore {
  readonly #time: RuleTime;
  readonly #begin: (head: ShardHead, longerMs: number) => Restored;
  readonly #key = new PackedKey();
  /** By the index that the snapshot gives the rule; undefined for a rule that the state does not have. */
  readonly #memories = new Map<number, RuleMemory | undefined>();
  #restored: Restored | undefined;
  #newest = Number.NEGATIVE_INFINITY;
  #horizon = Number.NEGATIVE_INFINITY;
  #version = 0;

  /**
   * `time`: of the state's rules. `begin` is given the head, and by how much longer the state's lateness is than the snapshot's, ms.
   * What was late stays late, since its id may be forgotten and it would count again: a floor that is raised by so much keeps the time
   * before which all is late, and the head's own are.
   */
  constructor(time: RuleTime, begin: (head: ShardHead, longerMs: number) => Restored) {
    this.#time = time;
    this.#begin = begin;
  }

  read({ version: found, content: from }: SnapshotFrame): void {
    this.#version = found;
    while (!from.done) {
      const record = from.byte();
      if (record === records.shard && this.#restored === undefined) this.#readHead(from);
      else if (record === records.rule) this.#readRule(from);
      else if (record === records.id) this.#readUsed(from);
      else if (record === records.key) this.#readKey(from);
      else throw corrupt(`a record of type ${record}`);
    }
  }

  /** To be called behind the last frame: a rule that the snapshot does not know has missed all that was used. */
  finish(): void {
    const known = new Set(this.#memories.values());
    for (const memory of this.#ready().memories) if (!known.has(memory)) memory.missed(this.#newest);
  }

  #readHead(from: ByteReader): void {
    const watermark = readLastTime(from);
    this.#newest = this.#version === 2 ? watermark + this.#time.disorderMs : readLastTime(from);
    const longerMs = this.#time.latenessMs - from.uint();
    const range = readRange(from);
    const floors: Floor[] = [];
    for (let left = from.uint(); left > 0; left--) floors.push({ range: readRange(from), watermark: readTime(from) + longerMs });
    this.#horizon = watermark - this.#time.latenessMs;
    this.#restored = this.#begin({ watermark, newest: this.#newest, range, floors }, longerMs);
  }

  #readRule(from: ByteReader): void {
    const { memories, inherits } = this.#ready();
    const index = from.uint();
    const address = from.text();
    const bounds = { floor: readLastTime(from), evicted: from.uint() };
    const warmingUntil = this.#version === 2 ? Number.NEGATIVE_INFINITY : readLastTime(from);
    const memory = memories.find(({ rule }) => addressOf(rule) === address);
    if (inherits === undefined) memory?.restoreBounds(this.#horizon, bounds);
    memory?.warmUntil(warmingUntil);
    this.#memories.set(index, memory);
  }

  #readUsed(from: ByteReader): void {
    const { addId } = this.#ready();
    const id = readId(from);
    addId(id, readTime(from));
  }

  #readKey(from: ByteReader): void {
    const { inherits } = this.#ready();
    const index = from.uint();
    const bytes = from.bytes();
    if (!this.#memories.has(index)) throw corrupt('a key of no rule');
    if (inherits !== undefined && !inherits(new ByteReader(bytes).text())) return;
    this.#memories.get(index)?.readKey(new ByteReader(bytes), this.#key);
  }

  #ready(): Restored {
    if (this.#restored === undefined) throw corrupt('it does not begin with the shard');
    return this.#restored;
  }
}

const hex = /^[0-9a-f]{1,32}$/;

function readRange(from: ByteReader): HashRange {
  const [start, end] = [from.text(), from.text()];
  if (!hex.test(start) || !hex.test(end)) throw corrupt('a hash range is not hexadecimal');
  const range = { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) };
  if (range.start > range.end) throw corrupt('a hash range ends before it starts');
  return range;
}
