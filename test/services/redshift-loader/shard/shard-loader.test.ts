import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import pino from 'pino';
import { createDeadLetters } from '../../../../services/lib/deadletter/dead-letters.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../../services/lib/events/booking-event-codec.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { Checkpointer, ShardContext, StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { readShard, type ShardRead } from '../../../../services/lib/kcl/shard-reader.ts';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import type { FileRow } from '../../../../services/redshift-loader/registry/registry-rows.ts';
import { ShardLoader, type ShardLoaderParts } from '../../../../services/redshift-loader/shard/shard-loader.ts';
import { bookingEventOf, MemoryRegistry, MemoryStore } from '../memory.ts';

const log = pino({ level: 'silent' });
const shardId = 'shardId-000000000000';
const down = (): Promise<never> => Promise.reject(new PlatformError('TABLE_UNAVAILABLE', 'away', { retriable: true }));

function record(sequence: number, sub = 0, more: Partial<StreamRecord> = {}): StreamRecord {
  const event = bookingEventOf(`b${sequence}-${sub}`, 1);
  return {
    data: encodeBookingEvent(event),
    partitionKey: event.userId,
    sequenceNumber: String(sequence),
    subSequenceNumber: sub,
    position: position(String(sequence), sub),
    approximateArrivalTimestamp: event.occurredAt + 50,
    ...more,
  };
}

class RecordingCheckpointer implements Checkpointer {
  readonly calls: string[] = [];
  last: Position = trimHorizon;
  delivered: Position = trimHorizon;

  async all() {
    this.calls.push('all');
    this.last = this.delivered;
    return { ok: true } as const;
  }

  async at(sequence: string) {
    this.calls.push(sequence);
    const at = position(sequence);
    if (!isAfter(at, this.last) || isAfter(at, this.delivered)) return { ok: false, reason: 'bounds', error: '' } as const;
    this.last = at;
    return { ok: true } as const;
  }
}

const wholeRange: Shard = { shardId, parents: [], range: { start: 0n, end: 2n ** 128n - 1n }, startingSequenceNumber: '1', closed: false };

/** Kinesis, of whose shard these records are left: an iterator at a record that is gone begins with the oldest that is not. */
function trimmedStream(left: readonly StreamRecord[]): ShardRead['kinesis'] {
  const answer = (command: unknown): unknown => {
    if (command instanceof GetShardIteratorCommand) return { ShardIterator: command.input.StartingSequenceNumber ?? '0' };
    assert(command instanceof GetRecordsCommand);
    const from = Number(command.input.ShardIterator);
    const given = left.filter((r) => Number(r.sequenceNumber) >= from);
    const next = Number(given.at(-1)?.sequenceNumber ?? from - 1) + 1;
    const records = given.map(({ sequenceNumber, partitionKey, data, approximateArrivalTimestamp: at }) => ({
      SequenceNumber: sequenceNumber,
      PartitionKey: partitionKey,
      Data: data,
      ApproximateArrivalTimestamp: new Date(at),
    }));
    return { Records: records, MillisBehindLatest: 0, NextShardIterator: String(next) };
  };
  return { send: async (command: unknown) => answer(command) } as ShardRead['kinesis'];
}

function setUp(more: Partial<ShardLoaderParts> = {}) {
  const registry = new MemoryRegistry();
  const store = new MemoryStore();
  const metrics = new Metrics();
  const clock = { now: 1_000_000 };
  let ids = 0;
  const parts: ShardLoaderParts = {
    registry,
    objects: store,
    deadLetters: createDeadLetters(store, 'redshift-loader'),
    limits: { rows: 3, bytes: 1_000_000, ageMs: 5_000 },
    decode: decodeBookingEvent,
    readGap: async function* () {},
    log,
    metrics,
    now: () => clock.now,
    newId: () => `id-${++ids}`,
    random: () => 0,
    pause: async () => {},
    ...more,
  };
  const loader = new ShardLoader(parts);
  const checkpointer = new RecordingCheckpointer();
  const shard: ShardContext = {
    shardId,
    shard: undefined,
    streamName: 'booking-events',
    streamId: 'booking-events@1',
    application: 'loader',
    workerId: 'w',
    failoverTimeMs: 3_000,
    log,
    metrics,
  };
  const deliver = async (records: StreamRecord[]): Promise<void> => {
    checkpointer.delivered = records.at(-1)?.position ?? checkpointer.delivered;
    await loader.processRecords({ records }, checkpointer);
  };
  const files = (): Promise<readonly FileRow[]> => registry.files(shardId, trimHorizon, 100);
  const rowsOf = (file: FileRow): string[] => {
    const csv = gunzipSync(store.objects.get(file.object?.key ?? '') ?? Buffer.alloc(0)).toString();
    return [...csv.matchAll(/^[^,]+,\d+,"([^"]+)"/gm)].map((match) => match[1] ?? '');
  };
  return { registry, store, metrics, clock, loader, checkpointer, shard, deliver, files, rowsOf };
}

describe('shard side of the loader', () => {
  it('puts the object, moves the head, then checkpoints at the head: parameterless only when nothing delivered is behind', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    assert.deepEqual(t.checkpointer.calls, ['all']);
    await t.deliver([record(4), record(5), record(6), record(7)]);
    assert.deepEqual(t.checkpointer.calls, ['all', '6'], 'record 7 is only buffered');
    const [first, second] = await t.files();
    assert(first && second);
    assert.deepEqual([first.from, first.to, second.from, second.to], [trimHorizon, position('3'), position('3'), position('6')]);
    assert.deepEqual(
      [t.rowsOf(first), t.rowsOf(second)],
      [
        ['b1-0', 'b2-0', 'b3-0'],
        ['b4-0', 'b5-0', 'b6-0'],
      ],
    );
    assert.equal(first.object?.key, `stage/loader/booking-events@1/${shardId}/id-1/0.0-3.0.csv.gz`);
    assert.equal(first.object?.size, t.store.objects.get(first.object.key)?.length);
    assert.deepEqual([first.rows, first.oldestArrival], [3, bookingEventOf('x', 1).occurredAt + 50]);
  });

  it('checkpoints in front of an aggregate that the head cuts, and drops its first part when it comes again', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1, 0), record(1, 1), record(2, 0), record(2, 1)]);
    assert.deepEqual(t.checkpointer.calls, ['2'], 'the head is (2,0)');
    const successor = setUp({ registry: t.registry, objects: t.store });
    await successor.loader.initialize(successor.shard, position('2'));
    await successor.deliver([record(2, 1), record(2, 2), record(3)]);
    const rows = (await t.files()).flatMap(t.rowsOf);
    assert.deepEqual(rows, ['b1-0', 'b1-1', 'b2-0', 'b2-1', 'b2-2', 'b3-0']);
  });

  it('resumes from the head: what is registered is dropped, however early KCL delivers again', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    const next = setUp({ registry: t.registry, objects: t.store });
    await next.loader.initialize(next.shard, trimHorizon);
    await next.deliver([record(1), record(2), record(3)]);
    assert.deepEqual(next.checkpointer.calls, ['all'], 'the head covers all that was delivered');
    await next.deliver([record(4), record(5), record(6)]);
    assert.deepEqual(
      (await t.files()).map((file) => file.rows),
      [3, 3],
    );
  });

  it('flushes by age on a tick of an idle shard', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1)]);
    t.clock.now += 4_999;
    await t.deliver([]);
    assert.equal((await t.files()).length, 0);
    t.clock.now += 1;
    await t.deliver([]);
    assert.equal((await t.files()).length, 1);
    assert.deepEqual(t.checkpointer.calls, ['all']);
    await t.deliver([]);
    assert.deepEqual(t.checkpointer.calls, ['all'], 'nothing new, no further checkpoint');
  });

  it('flushes by bytes', async () => {
    const t = setUp({ limits: { rows: 1_000, bytes: 300, ageMs: 60_000 } });
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    assert.deepEqual(
      (await t.files()).map((file) => file.rows),
      [2],
    );
  });

  it('stores a dead letter before its position counts, and moves the head without an object when no row is left', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    const broken = [record(1, 0, { data: Buffer.from('{') }), record(2, 0, { partitionKey: 'somebody else' })];
    await t.deliver(broken);
    t.clock.now += 5_000;
    await t.deliver([]);
    const [file, ...rest] = await t.files();
    assert.deepEqual([file?.rows, file?.object, file?.to, rest.length], [0, undefined, position('2'), 0]);
    assert.deepEqual(
      [...t.store.objects.keys()],
      [1, 2].map((n) => `deadletter/redshift-loader/booking-events/${shardId}/${n}-0.json`),
    );
    assert.deepEqual(t.checkpointer.calls, ['all']);
  });

  it('does not ask again for a checkpoint that KCL refused, until there is another to ask for', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    const asked: string[] = [];
    t.checkpointer.at = async (sequence) => {
      asked.push(sequence);
      return { ok: false, reason: 'bounds', error: '' } as const;
    };
    await t.deliver([record(1), record(2), record(3), record(4)]);
    await t.deliver([]);
    assert.deepEqual(asked, ['3']);
    await t.deliver([record(5), record(6), record(7)]);
    assert.deepEqual(asked, ['3', '6']);
  });

  it('registers all before it ends a shard or stops', async () => {
    for (const action of ['shardEnded', 'shutdownRequested'] as const) {
      const t = setUp();
      await t.loader.initialize(t.shard, trimHorizon);
      await t.deliver([record(1)]);
      await t.loader[action](t.checkpointer);
      assert.deepEqual(
        (await t.files()).map((file) => file.rows),
        [1],
      );
      assert.deepEqual(t.checkpointer.calls, ['all'], action);
    }
  });

  it('a shard without records ends with its checkpoint and nothing registered', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.loader.shardEnded(t.checkpointer);
    assert.deepEqual(t.checkpointer.calls, ['all']);
    assert.equal((await t.files()).length, 0);
  });

  it('leaves the rest to its successor when the store stays away while it stops', async () => {
    const t = setUp({ objects: { create: down } });
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1)]);
    await t.loader.shutdownRequested(t.checkpointer);
    assert.deepEqual(t.checkpointer.calls, [], 'nothing durable, no checkpoint');
  });

  it('tries a store that is away for as long as it takes, and accepts nothing meanwhile', async () => {
    const store = new MemoryStore();
    let failures = 50;
    const t = setUp({ objects: { create: (key, body) => (failures-- > 0 ? down() : store.create(key, body)) } });
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    assert.equal(failures, -1);
    assert.equal((await t.files()).length, 1);
  });

  it('re-reads the head when an append is not answered: made or not, rows are registered once', async () => {
    for (const made of [true, false]) {
      const t = setUp();
      const append = t.registry.append.bind(t.registry);
      let unanswered = true;
      t.registry.append = async (file) => {
        if (!unanswered) return append(file);
        unanswered = false;
        if (made) await append(file);
        return down();
      };
      await t.loader.initialize(t.shard, trimHorizon);
      await t.deliver([record(1), record(2), record(3), record(4)]);
      assert.deepEqual(
        (await t.files()).map((file) => [file.rows, file.to]),
        [[3, position('3')]],
      );
      assert.deepEqual(t.checkpointer.calls, ['3']);
    }
  });

  it('goes on behind another owner that was first, in the middle of its own buffer', async () => {
    const t = setUp();
    const other = setUp({ registry: t.registry, objects: t.store, limits: { rows: 2, bytes: 1_000_000, ageMs: 5_000 } });
    await t.loader.initialize(t.shard, trimHorizon);
    await other.loader.initialize(other.shard, trimHorizon);
    await t.deliver([record(1)]);
    await other.deliver([record(1), record(2)]);
    await t.deliver([record(2), record(3), record(4)]);
    t.clock.now += 5_000;
    await t.deliver([]);
    const files = await t.files();
    assert.deepEqual(files.map(t.rowsOf), [['b1-0', 'b2-0'], ['b3-0'], ['b4-0']]);
  });

  it('refuses to go on when the registry contradicts itself', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    t.registry.append = async () => 'lost';
    await assert.rejects(t.deliver([record(1), record(2), record(3)]), { code: 'INTERNAL' });
  });

  it('reads the stream itself between its head and a checkpoint beyond it', async () => {
    const asked: Position[] = [];
    const t = setUp({
      readGap: async function* (_shard, after, upTo) {
        asked.push(after, upTo);
        yield [record(1), record(2)];
      },
    });
    await t.loader.initialize(t.shard, position('2'));
    assert.deepEqual(asked, [trimHorizon, position('2')]);
    assert.deepEqual(
      (await t.files()).map((file) => [file.rows, file.to]),
      [[2, position('2')]],
    );
    assert.equal(t.metrics.drain().counters.find((c) => c.name === 'gaps_read')?.value, 1);
  });

  it('takes the end of a shard that comes back for what it is: nothing to read, no alarm, the same checkpoint', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    const again = setUp({ registry: t.registry, objects: t.store });
    await again.loader.initialize(again.shard, shardEnd);
    await again.loader.shardEnded(again.checkpointer);
    assert.deepEqual(again.checkpointer.calls, ['all']);
    assert.equal((await t.files()).length, 1);
    assert(!again.metrics.drain().counters.some((c) => c.name === 'gaps_read'));
  });

  it('says loudly what the stream no longer has, and goes on', async () => {
    const t = setUp({
      readGap: async function* () {
        yield [];
        throw new PlatformError('STREAM_TRIMMED', 'gone');
      },
    });
    await t.loader.initialize(t.shard, position('2'));
    assert(t.metrics.drain().counters.some((c) => c.name === 'gaps_trimmed' && c.value === 1));
    await t.deliver([record(3), record(4), record(5)]);
    assert.deepEqual(
      (await t.files()).map((file) => file.rows),
      [3],
    );
  });

  it('loads what the stream still has up to the checkpoint when the record at the head is gone', async () => {
    const t = setUp();
    await t.loader.initialize(t.shard, trimHorizon);
    await t.deliver([record(1), record(2), record(3)]);
    const left = trimmedStream([record(6), record(7), record(8), record(9)]);
    const after = setUp({
      registry: t.registry,
      objects: t.store,
      readGap: (_, from, upTo) => readShard({ kinesis: left, streamName: 'booking-events', shard: wholeRange, after: from, upTo }),
    });
    await after.loader.initialize(after.shard, position('8'));
    assert.deepEqual((await t.files()).slice(1).flatMap(t.rowsOf), ['b6-0', 'b7-0', 'b8-0']);
    const { counters } = after.metrics.drain();
    for (const name of ['gaps_trimmed', 'gaps_read']) assert.equal(counters.find((c) => c.name === name)?.value, 1, name);
  });

  it('goes on when the record at the checkpoint is gone too', async () => {
    const t = setUp({
      readGap: (_, from, upTo) =>
        readShard({ kinesis: trimmedStream([record(9)]), streamName: 'booking-events', shard: wholeRange, after: from, upTo }),
    });
    await t.loader.initialize(t.shard, position('8'));
    assert.deepEqual(await t.files(), []);
    assert.equal(t.metrics.drain().counters.find((c) => c.name === 'gaps_trimmed')?.value, 1);
  });
});
