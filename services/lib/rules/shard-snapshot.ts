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
import type { Floor } from './floors.ts';
import { addressOf } from './rule-kinds.ts';
import { type RuleMemory, readId } from './rule-memory.ts';
import { readLastTime, readTime } from './time-bytes.ts';

/** A build reads the version it writes and the one before. Version 1 does not tell the lateness; it is taken for that of the reader's rules. */
const version = 2;
export const snapshotFormat = { kind: 'rule-state', version, versions: [1, version] };

/** The content is a list of records: the shard's own, one per rule, then ids and keys as they come. */
const records = { shard: 1, rule: 2, id: 3, key: 4 } as const;

/** Keys that changed before the walk came to them wait in pieces of about this size. */
const pieceBytes = 65_536;

export interface ShardHead {
  /** Epoch ms. */
  readonly watermark: number;
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
  const rules = memories.map((memory, i) => ({ index: i, address: addressOf(memory.rule), ...memory.bounds }));

  function* walk(out: ByteWriter): Generator<void> {
    writeHead(out, content);
    for (const { index, address, floor, evicted } of rules) {
      out.byte(records.rule);
      out.uint(index);
      out.text(address);
      out.float64(floor);
      out.uint(evicted);
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

function writeHead(out: ByteWriter, { watermark, latenessMs, range, floors }: ShardContent): void {
  out.byte(records.shard);
  out.float64(watermark);
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
interface Restored<State> {
  readonly state: State;
  readonly addId: (id: EventId, time: number) => void;
  readonly memories: readonly RuleMemory[];
}

/** Builds a state from the content of a snapshot's frames, in their order. */
export class ShardRestore<State> {
  readonly #latenessMs: number;
  readonly #create: (head: ShardHead) => Restored<State>;
  readonly #key = new PackedKey();
  /** By the index that the snapshot gives the rule; undefined for a rule that the state does not have. */
  readonly #memories = new Map<number, RuleMemory | undefined>();
  #restored: Restored<State> | undefined;
  #horizon = Number.NEGATIVE_INFINITY;

  constructor(latenessMs: number, create: (head: ShardHead) => Restored<State>) {
    this.#latenessMs = latenessMs;
    this.#create = create;
  }

  read({ version: found, content: from }: SnapshotFrame): void {
    while (!from.done) {
      const record = from.byte();
      if (record === records.shard && this.#restored === undefined) this.#readHead(from, found);
      else if (record === records.rule) this.#readRule(from);
      else if (record === records.id) this.#readUsed(from);
      else if (record === records.key) this.#readKey(from);
      else throw corrupt(`a record of type ${record}`);
    }
  }

  finish(): State {
    return this.#ready().state;
  }

  #readHead(from: ByteReader, found: number): void {
    const watermark = readLastTime(from);
    const latenessMs = found === 1 ? this.#latenessMs : from.uint();
    const range = readRange(from);
    const floors: Floor[] = [];
    for (let left = from.uint(); left > 0; left--) floors.push({ range: readRange(from), watermark: readTime(from) });
    this.#horizon = watermark - this.#latenessMs;
    // What was late stays late: its id may be forgotten, and it would count again. So floors keep the time before which all is late.
    const longerMs = this.#latenessMs - latenessMs;
    if (longerMs > 0 && watermark > Number.NEGATIVE_INFINITY) floors.push({ range, watermark });
    const kept = floors.map((floor) => ({ range: floor.range, watermark: floor.watermark + longerMs }));
    this.#restored = this.#create({ watermark, range, floors: kept });
  }

  #readRule(from: ByteReader): void {
    const { memories } = this.#ready();
    const index = from.uint();
    const address = from.text();
    const bounds = { floor: readLastTime(from), evicted: from.uint() };
    const memory = memories.find(({ rule }) => addressOf(rule) === address);
    memory?.restoreBounds(this.#horizon, bounds);
    this.#memories.set(index, memory);
  }

  #readUsed(from: ByteReader): void {
    const { addId } = this.#ready();
    const id = readId(from);
    addId(id, readTime(from));
  }

  #readKey(from: ByteReader): void {
    const index = from.uint();
    const bytes = from.bytes();
    if (!this.#memories.has(index)) throw corrupt('a key of no rule');
    this.#memories.get(index)?.readKey(new ByteReader(bytes), this.#key);
  }

  #ready(): Restored<State> {
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
