import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { type Position, position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { readShard, type ShardRead } from '../../../../services/lib/kcl/shard-reader.ts';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import { hashKeyOf } from '../../../../services/lib/kcl/shards.ts';
import { aggregate } from '../../../../services/lib/producer/aggregation.ts';

const shard: Shard = {
  shardId: 'shardId-000000000000',
  parents: [],
  range: { start: 0n, end: 2n ** 128n - 1n },
  startingSequenceNumber: '1',
  closed: true,
};

type Answer = { readonly [field: string]: unknown };
interface Fault {
  readonly status: number;
  readonly type: string;
}

interface OuterRecord {
  readonly sequence: number;
  readonly data: Buffer;
}

const plain = (sequence: number): OuterRecord => ({ sequence, data: Buffer.from(`plain ${sequence}`) });
const aggregated = (sequence: number, users: number): OuterRecord => ({
  sequence,
  data: aggregate(Array.from({ length: users }, (_, i) => ({ partitionKey: `user-${i}`, data: Buffer.from(`${sequence}/${i}`) }))),
});

/** One shard behind the real SDK client; time passes only by sleeping. */
class FakeShard {
  now = 1_000_000;
  readonly calls: { readonly at: number; readonly operation: string; readonly input: Answer }[] = [];
  readonly faults: Fault[] = [];
  records: OuterRecord[];
  perCall = 2;
  closed = true;

  constructor(records: OuterRecord[]) {
    this.records = records;
  }

  client(maxAttempts = 1): KinesisClient {
    const handle = async (request: { headers: Record<string, string>; body: string | Uint8Array }) => {
      const operation = request.headers['x-amz-target']?.split('.')[1] ?? '';
      const input = JSON.parse(Buffer.from(request.body).toString()) as Answer;
      this.calls.push({ at: this.now, operation, input });
      const fault = operation === 'GetRecords' ? this.faults.shift() : undefined;
      const answer = fault === undefined ? this.#answer(operation, input) : { __type: fault.type, message: 'injected' };
      const headers = { 'content-type': 'application/x-amz-json-1.1', ...(fault === undefined ? {} : { 'x-amzn-errortype': fault.type }) };
      return { response: { statusCode: fault?.status ?? 200, headers, body: Readable.from([Buffer.from(JSON.stringify(answer))]) } };
    };
    return new KinesisClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts,
      requestHandler: { handle } as never,
    });
  }

  #answer(operation: string, input: Answer): Answer {
    if (operation === 'GetShardIterator') return { ShardIterator: input['StartingSequenceNumber'] ?? '0' };
    const from = Number(input['ShardIterator']);
    const left = this.records.filter(({ sequence }) => sequence >= from);
    const given = left.slice(0, this.perCall);
    const next = (given.at(-1)?.sequence ?? from - 1) + 1;
    const atEnd = given.length === left.length;
    return {
      Records: given.map(({ sequence, data }) => ({
        SequenceNumber: String(sequence),
        PartitionKey: 'outer',
        Data: data.toString('base64'),
        ApproximateArrivalTimestamp: 1_790_000_000.25,
      })),
      MillisBehindLatest: atEnd ? 0 : 5_000,
      ...(atEnd && this.closed ? {} : { NextShardIterator: String(next) }),
    };
  }

  read(of: Partial<ShardRead> = {}, client = this.client()): AsyncGenerator<StreamRecord[], void, undefined> {
    const sleep = async (ms: number): Promise<void> => {
      this.now += ms;
      await turn();
    };
    const clock = { now: () => this.now, sleep };
    return readShard({ kinesis: client, streamName: 's', shard, after: trimHorizon, upTo: 'end', clock, ...of });
  }

  recordCalls(): number[] {
    return this.calls.filter(({ operation }) => operation === 'GetRecords').map(({ at }) => at);
  }
}

async function texts(batches: AsyncIterable<StreamRecord[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const batch of batches) {
    assert.ok(batch.length > 0, 'no empty batch');
    all.push(...batch.map(({ data }) => data.toString()));
  }
  return all;
}

const trimmed = { code: 'STREAM_TRIMMED' };

describe('the shard reader', () => {
  it('reads a closed shard from its oldest record to its end, aggregates taken apart', async () => {
    const fake = new FakeShard([plain(1), aggregated(2, 3), plain(3)]);
    const records: StreamRecord[] = [];
    for await (const batch of fake.read()) records.push(...batch);
    assert.deepEqual(
      records.map(({ data, partitionKey, position: p }) => [data.toString(), partitionKey, p]),
      [
        ['plain 1', 'outer', position('1')],
        ['2/0', 'user-0', position('2', 0)],
        ['2/1', 'user-1', position('2', 1)],
        ['2/2', 'user-2', position('2', 2)],
        ['plain 3', 'outer', position('3')],
      ],
    );
    assert.equal(records[0]?.approximateArrivalTimestamp, 1_790_000_000_250);
  });

  it('starts behind `after` and stops at `upTo`, in the middle of aggregates too', async () => {
    const cases: [Position, Position, string[]][] = [
      [position('2', 0), position('4', 1), ['2/1', '2/2', 'plain 3', '4/0', '4/1']],
      [position('2', 2), position('3'), ['plain 3']],
      [trimHorizon, position('2', 0), ['plain 1', '2/0']],
      [position('2', 1), position('2', 2), ['2/2']],
      [position('2', 1), position('2', 1), []],
      [position('4', 2), shardEnd, ['plain 5']],
      [trimHorizon, trimHorizon, []],
    ];
    for (const [after, upTo, expected] of cases) {
      const fake = new FakeShard([plain(1), aggregated(2, 3), plain(3), aggregated(4, 3), plain(5)]);
      fake.closed = upTo === shardEnd;
      assert.deepEqual(await texts(fake.read({ after, upTo })), expected);
    }
  });

  it('drops an aggregate with a record outside the range, says so, and goes on', async () => {
    const fake = new FakeShard([aggregated(1, 3), plain(2)]);
    fake.perCall = 1;
    const outside = hashKeyOf('user-2');
    const strays: [string, number][] = [];
    const read = fake.read({
      shard: { ...shard, range: { start: outside + 1n, end: shard.range.end } },
      onStray: (sequence, users) => {
        strays.push([sequence, users]);
        fake.faults.push({ status: 400, type: 'ExpiredIteratorException' });
      },
    });
    assert.deepEqual(await texts(read), ['plain 2']);
    assert.deepEqual(strays, [['1', 3]], 'once, though its place was taken again');
    assert.equal(fake.calls.filter(({ operation }) => operation === 'GetShardIterator').at(-1)?.input['StartingSequenceNumber'], '1');
  });

  it('calls GetRecords at most once a second, the retries inside the client included', async () => {
    const fake = new FakeShard(Array.from({ length: 8 }, (_, i) => plain(i + 1)));
    fake.faults.push({ status: 500, type: 'InternalFailure' });
    assert.equal((await texts(fake.read({}, fake.client(2)))).length, 8);
    const calls = fake.recordCalls();
    assert.equal(calls.length, 5);
    for (let i = 1; i < calls.length; i++) assert.ok((calls[i] ?? 0) - (calls[i - 1] ?? 0) >= 1_000, `calls at ${calls.join(', ')}`);
  });

  it('retries throttles and server faults with a growing pause, at most 5 s', async () => {
    const fake = new FakeShard([plain(1)]);
    const throttle = { status: 400, type: 'ProvisionedThroughputExceededException' };
    const ofTheAccount = { status: 400, type: 'ThrottlingException' };
    fake.faults.push(throttle, { status: 503, type: 'ServiceUnavailable' }, throttle, ofTheAccount, throttle);
    assert.deepEqual(await texts(fake.read()), ['plain 1']);
    const calls = fake.recordCalls();
    assert.deepEqual(
      calls.slice(1).map((at, i) => at - (calls[i] ?? 0)),
      [1_000, 2_000, 4_000, 5_000, 5_000],
    );
  });

  it('gives up on a stream that stays away, and at once on a request that is refused', async () => {
    const away = new FakeShard([plain(1)]);
    away.faults.push(...Array.from({ length: 100 }, () => ({ status: 500, type: 'InternalFailure' })));
    await assert.rejects(texts(away.read()), { code: 'STREAM_UNAVAILABLE', retriable: true });
    assert.equal(away.recordCalls().length, 20);

    const refused = new FakeShard([plain(1)]);
    refused.faults.push({ status: 400, type: 'AccessDeniedException' });
    await assert.rejects(texts(refused.read()), { code: 'STREAM_UNAVAILABLE', retriable: false });
    assert.equal(refused.recordCalls().length, 1);
  });

  it('takes an expired iterator again where it stood, without a gap or a repeat', async () => {
    for (const stoodAt of [0, 1, 2]) {
      const fake = new FakeShard([plain(1), aggregated(2, 3), plain(3), plain(4)]);
      fake.perCall = 1;
      const batches: string[] = [];
      let seen = 0;
      const expire = () => fake.faults.push({ status: 400, type: 'ExpiredIteratorException' });
      if (stoodAt === 0) expire();
      for await (const batch of fake.read()) {
        batches.push(...batch.map(({ data }) => data.toString()));
        if (++seen === stoodAt) expire();
      }
      assert.deepEqual(batches, ['plain 1', '2/0', '2/1', '2/2', 'plain 3', 'plain 4']);
      assert.equal(fake.calls.filter(({ operation }) => operation === 'GetShardIterator').length, 2);
    }
  });

  it('says so when what it was to read is older than the retention', async () => {
    const gone = [plain(5), plain(6)];
    await assert.rejects(texts(new FakeShard(gone).read({ after: position('3') })), trimmed, 'the record to continue at is gone');
    await assert.rejects(texts(new FakeShard([]).read({ after: position('3') })), trimmed, 'nothing is left up to the end');
    await assert.rejects(texts(new FakeShard(gone).read({ upTo: position('3') })), trimmed, 'the record to stop at is gone');
    await assert.rejects(texts(new FakeShard([plain(1)]).read({ upTo: position('3') })), trimmed, 'the shard ends before it');
    const idle = new FakeShard([]);
    idle.closed = false;
    await assert.rejects(texts(idle.read({ upTo: position('3') })), trimmed, 'all is gone and nothing new has come');
    await assert.rejects(texts(idle.read({ after: position('3'), upTo: 'tip' })), trimmed, 'the record to continue at, too');
  });

  it('says so when retention overtakes it while its iterator is expired', async () => {
    const fake = new FakeShard([plain(1), plain(2), plain(3), plain(4)]);
    fake.perCall = 1;
    const read = fake.read();
    await read.next();
    fake.faults.push({ status: 400, type: 'ExpiredIteratorException' });
    fake.records = [plain(3), plain(4)];
    await assert.rejects(texts(read), trimmed);
  });

  it('says so when the shard itself is gone', async () => {
    const fake = new FakeShard([]);
    fake.faults.push({ status: 400, type: 'ResourceNotFoundException' });
    await assert.rejects(texts(fake.read()), trimmed);
  });

  it('reads an open shard to its tip and stops there', async () => {
    const fake = new FakeShard([plain(1), plain(2), plain(3)]);
    fake.closed = false;
    assert.deepEqual(await texts(fake.read({ upTo: 'tip' })), ['plain 1', 'plain 2', 'plain 3']);
  });

  it('waits for the end of an open shard, and ends with the reason of its signal', async () => {
    const fake = new FakeShard([plain(1)]);
    fake.closed = false;
    const stop = new AbortController();
    const read = fake.read({ signal: stop.signal });
    await read.next();
    const rest = read.next();
    void turn().then(() => stop.abort(new Error('enough')));
    await assert.rejects(rest, /enough/);
  });
});
