import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  PutRecordsCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { type ManagedProcess, startProcess } from '../../scripts/local/process/managed-process.ts';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { ensureBundles } from '../../scripts/setup/bundles.mjs';
import { eventRouter } from '../../services/event-router/service.ts';
import { type DeadLetter, decodeDeadLetter } from '../../services/lib/deadletter/format.ts';
import { type BookingEvent, eventIdOf } from '../../services/lib/events/booking-event.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { listShards } from '../../services/lib/kcl/shards.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { awsConfig, kinesisClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { deaggregate } from '../../services/lib/producer/aggregation.ts';
import { requirePart } from '../support/optional.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const users = 25;

interface Source {
  readonly PartitionKey: string;
  readonly Data: Buffer;
}

/** What was put, and what must come of it. */
class Sent {
  readonly eventIds = new Set<string>();
  readonly deadLetters = new Map<string, { readonly reason: string; readonly data: Buffer }>();
  #version = 0;

  bookings(count: number): Source[] {
    return Array.from({ length: count }, () => {
      const version = ++this.#version;
      const user = `user-${version % users}`;
      this.eventIds.add(eventIdOf(`b-${user}`, version, 'reserved'));
      return { PartitionKey: user, Data: Buffer.from(JSON.stringify(changeRecord(user, version))) };
    });
  }

  noOp(): Source {
    return { PartitionKey: 'no-op', Data: Buffer.from(JSON.stringify(changeRecord('user-0', 1, 'MODIFY'))) };
  }

  malformed(): Source[] {
    const { NewImage: _, ...imageless } = changeRecord('x', 1).dynamodb;
    const bodies: [string, string, Buffer][] = [
      ['bad-json', 'not-json', Buffer.from('{"eventName":')],
      ['latin', 'not-utf8', Buffer.from('{"userId":"M\u00fcller"}', 'latin1')],
      ['imageless', 'missing-image', Buffer.from(JSON.stringify({ eventName: 'INSERT', dynamodb: imageless }))],
      ['fields', 'missing-field', Buffer.from(JSON.stringify(changeRecord('x', 1, 'INSERT', { userId: undefined })))],
      ['types', 'invalid-event', Buffer.from(JSON.stringify(changeRecord('x', 1, 'INSERT', { seats: { S: 'two' } })))],
      ['junk', 'not-json', Buffer.alloc(1_000_000, 'x')],
      ['line\u2028separator', 'not-a-change-record', Buffer.from('{"note":"\u2028"}')],
    ];
    return bodies.map(([PartitionKey, reason, Data]) => {
      this.deadLetters.set(PartitionKey, { reason, data: Data });
      return { PartitionKey, Data };
    });
  }
}

function changeRecord(user: string, version: number, eventName = 'INSERT', changes: object = {}) {
  const image = {
    bookingId: { S: `b-${user}` },
    userId: { S: user },
    tourId: { S: 't-1' },
    status: { S: 'CONFIRMED' },
    version: { N: String(version) },
    updatedAt: { N: String(Date.now()) },
    seats: { N: '2' },
    amountMinor: { N: '100' },
    currency: { S: 'EUR' },
    channel: { S: 'web' },
    note: { S: 'a\u2028b' },
    ...changes,
  };
  const dynamodb = { Keys: { bookingId: image.bookingId }, NewImage: image, ...(eventName === 'INSERT' ? {} : { OldImage: image }) };
  return { eventName, dynamodb };
}

/** Everything on the stream as consumers get it, each shard after its parents; one reader, so it asks for large answers. */
async function eventsOn(kinesis: KinesisClient, streamName: string): Promise<BookingEvent[]> {
  const events: BookingEvent[] = [];
  for (const { shardId, range } of await listShards(kinesis, streamName)) {
    const start = await kinesis.send(
      new GetShardIteratorCommand({ StreamName: streamName, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (let iterator = start.ShardIterator; iterator !== undefined; ) {
      const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
      for (const { Data, PartitionKey } of page.Records ?? []) {
        const parts = deaggregate(Buffer.from(Data ?? []), PartitionKey ?? '', range);
        if (parts.kind === 'stray') continue;
        for (const { data, partitionKey } of parts.records) {
          const outcome = decodeBookingEvent(data, partitionKey, Date.now());
          assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
          events.push(outcome.value);
        }
      }
      iterator = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
    }
  }
  return events;
}

describe('event router on the real daemon', function () {
  this.timeout(180_000);
  let folder: string;
  let stack: LocalStack | undefined;
  let kinesis: KinesisClient;
  let router: ManagedProcess | undefined;
  const sent = new Sent();

  before(async function () {
    for (const part of ['java', 'kcl-jars', 'dynamodb-local'] as const) requirePart(this, part);
    folder = await mkdtemp(join(tmpdir(), 'router-'));
    const [started] = await Promise.all([
      startStack({ runDir: folder, parts: ['kinesis', 'dynamodb'], kinesis: { limits: false } }),
      ensureBundles(root),
    ]);
    stack = started;
    await createResources(stack, [eventRouter], { shards: { 'booking-changes': 1, 'booking-events': 2 } });
    kinesis = kinesisClient(loadConfig(awsConfig, stack.environment()));
  });
  after(async () => {
    await router?.kill();
    kinesis?.destroy();
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function startRouter(): Promise<ManagedProcess> {
    return startProcess({
      name: 'event-router',
      command: process.execPath,
      args: ['main.js'],
      cwd: join(root, 'dist', 'event-router'),
      env: { ...stack!.environment(), WORKER_ID: 'router-1' },
      logFile: join(folder, 'router.log'),
      ready: { stdoutLine: /"event":"health.listening"/ },
      readyTimeoutMs: 30_000,
    });
  }

  async function put(records: readonly Source[]): Promise<void> {
    for (let i = 0; i < records.length; i += 500) {
      const answer = await kinesis.send(new PutRecordsCommand({ StreamName: 'booking-changes', Records: records.slice(i, i + 500) }));
      assert.equal(answer.FailedRecordCount, 0);
    }
  }

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 60_000; !(await condition()); await sleep(50)) assert.ok(Date.now() < deadline, what);
  }

  async function deadLetters(): Promise<DeadLetter[]> {
    const store = openObjectStore(stack!.objectsUrl, { AWS_REGION: 'us-east-1', LOCAL_MODE: true });
    const letters: DeadLetter[] = [];
    for await (const { key } of store.list('deadletter/event-router/booking-changes/')) {
      const outcome = decodeDeadLetter(await store.read(key));
      assert.equal(outcome.kind, 'ok');
      letters.push(outcome.value);
    }
    return letters;
  }

  const routedAll = async (): Promise<boolean> => {
    const found = new Set((await eventsOn(kinesis, 'booking-events')).map((event) => event.eventId));
    return found.size >= sent.eventIds.size && (await deadLetters()).length >= sent.deadLetters.size;
  };

  it('routes, drops and dead-letters: every source record becomes exactly one of them', async () => {
    await put([...sent.bookings(300), ...sent.malformed(), sent.noOp(), ...sent.bookings(300)]);
    router = await startRouter();
    await until('the first records were not routed', routedAll);
    assert.deepEqual(new Set((await eventsOn(kinesis, 'booking-events')).map((event) => event.eventId)), sent.eventIds);
    const letters = new Map((await deadLetters()).map((letter) => [letter.partitionKey, letter]));
    assert.deepEqual(new Set(letters.keys()), new Set(sent.deadLetters.keys()));
    for (const [key, { reason, data }] of sent.deadLetters) {
      assert.equal(letters.get(key)?.reason, reason, key);
      assert.deepEqual(letters.get(key)?.data, data, key);
    }
  });

  it('loses nothing and keeps the order per user through a reshard under load and a kill -9', async () => {
    const reshard = new UpdateShardCountCommand({ StreamName: 'booking-events', TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' });
    const before = (await eventsOn(kinesis, 'booking-events')).length;
    await put(sent.bookings(400));
    await Promise.all([kinesis.send(reshard), put(sent.bookings(800))]);
    await until('nothing was routed', async () => (await eventsOn(kinesis, 'booking-events')).length > before);
    await router?.kill();
    await put([...sent.bookings(400), sent.noOp()]);
    router = await startRouter();
    await put(sent.bookings(400));
    await until('the records were not routed', routedAll);

    const newest = new Map<string, number>();
    const seen = new Set<string>();
    for (const { eventId, userId, version, extra } of await eventsOn(kinesis, 'booking-events')) {
      if (seen.has(eventId)) continue;
      seen.add(eventId);
      assert.ok(version > (newest.get(userId) ?? 0), `${userId}: version ${version} came first after ${newest.get(userId)}`);
      newest.set(userId, version);
      assert.deepEqual(extra, { note: 'a\u2028b' });
    }
    assert.deepEqual(seen, sent.eventIds);
    assert.equal((await deadLetters()).length, sent.deadLetters.size);
  });

  it('stops cleanly', async () => {
    assert.deepEqual(await router?.stop('SIGTERM', 60_000), { code: 0, signal: null });
  });
});
