import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { GetShardIteratorCommand, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { awsError, Rig, textOf, transports } from './rig.ts';

const first = 'shardId-000000000000';
const good = { key: 'k', data: 'd' };
const lastHashKey = (2n ** 128n - 1n).toString();

for (const transport of transports) {
  describe(`local Kinesis: records over ${transport}`, () => {
    let rig: Rig;
    beforeEach(async () => {
      rig = await Rig.start({ transport });
    });
    afterEach(() => rig.stop());

    it('come back as they were put: bytes, key, arrival time and sequence number', async () => {
      await rig.create('s', 1);
      const keys = ['plain', 'a "quoted" \\ key', 'ключ', '🚌\u2028', 'k'.repeat(256)];
      const data = keys.map((_, i) => Buffer.from(Array.from({ length: 300 }, (_, byte) => (byte * (i + 1)) % 256)));
      const put = await rig.put(
        's',
        keys.map((key, i) => ({ key, data: data[i] as Buffer })),
      );
      const read = await rig.read('s', first);
      assert.deepEqual(
        read.map(({ PartitionKey }) => PartitionKey),
        keys,
      );
      assert.deepEqual(
        read.map(({ Data }) => Buffer.from(Data ?? [])),
        data,
      );
      assert.deepEqual(
        read.map(({ SequenceNumber }) => SequenceNumber),
        put.Records?.map(({ SequenceNumber }) => SequenceNumber),
      );
      assert.deepEqual(
        new Set(read.map(({ ApproximateArrivalTimestamp }) => ApproximateArrivalTimestamp?.getTime())),
        new Set([rig.nowMs]),
      );
    });

    it('may be of 1 MiB with their key, and empty', async () => {
      await rig.create('s', 1);
      await rig.put('s', [{ key: 'k', data: Buffer.alloc(1_048_575, 7) }]);
      rig.pass(1_000);
      await rig.put('s', [{ key: 'k', data: '' }]);
      assert.deepEqual(
        (await rig.read('s', first)).map(({ Data }) => Data?.length),
        [1_048_575, 0],
      );
    });
  });
}

describe('local Kinesis: putting records', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ limits: false });
    await rig.create('s', 4);
  });
  after(() => rig.stop());

  it('goes to the shard whose range holds the MD5 of the key', async () => {
    const shards = await rig.shards('s');
    const keys = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    const { Records } = await rig.put(
      's',
      keys.map((key) => ({ key, data: key })),
    );
    for (const [i, key] of keys.entries()) {
      const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
      const owner = shards.find(
        ({ HashKeyRange: range }) => BigInt(range?.StartingHashKey ?? 0) <= hash && hash <= BigInt(range?.EndingHashKey ?? 0),
      );
      assert.equal(Records?.[i]?.ShardId, owner?.ShardId, key);
    }
  });

  it('goes by the explicit hash key when there is one, the ends of the key space included', async () => {
    const quarter = 2n ** 126n;
    const hashKeys = ['0', (quarter - 1n).toString(), quarter.toString(), (quarter * 3n).toString(), lastHashKey];
    const { Records } = await rig.put(
      's',
      hashKeys.map((hashKey) => ({ key: 'same', data: 'd', hashKey })),
    );
    assert.deepEqual(
      Records?.map(({ ShardId }) => Number(ShardId?.slice(-12))),
      [0, 0, 1, 3, 3],
    );
  });

  it('numbers records of 56 digits that begin with 49 and rise across all shards', async () => {
    const { Records = [] } = await rig.put(
      's',
      Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, data: 'd' })),
    );
    for (const { SequenceNumber } of Records) assert.match(SequenceNumber ?? '', /^49\d{54}$/);
    const numbers = Records.map(({ SequenceNumber }) => BigInt(SequenceNumber ?? 0));
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => (a < b ? -1 : 1)),
    );
    assert.equal(new Set(numbers).size, 50);
  });

  it('takes one record by PutRecord', async () => {
    const answer = await rig.client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'one', Data: Buffer.from('x') }));
    assert.match(answer.SequenceNumber ?? '', /^49\d{54}$/);
    const read = await rig.read('s', answer.ShardId ?? '');
    assert.equal(read.at(-1)?.SequenceNumber, answer.SequenceNumber);
  });

  it('takes one record after another by SequenceNumberForOrdering, and no number that the stream has not given', async () => {
    const put = (SequenceNumberForOrdering: string) =>
      rig.client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'one', Data: Buffer.from('x'), SequenceNumberForOrdering }));
    const { Records } = await rig.put('s', [good]);
    const { SequenceNumber = '' } = await put(Records?.[0]?.SequenceNumber ?? '');
    await put(SequenceNumber);
    const invalid = /^ExclusiveMinimumSequenceNumber \d+ used in PutRecord on stream s under account 000000000000 is invalid\.$/;
    for (const number of ['7', String(BigInt(SequenceNumber) + (1n << 90n))]) {
      await assert.rejects(put(number), awsError('InvalidArgumentException', invalid));
    }
    await assert.rejects(put('07'), awsError('ValidationException', /'sequenceNumberForOrdering'/));
  });

  for (const [what, records, error, message] of [
    ['no records', [], 'ValidationException', /greater than or equal to 1/],
    ['501 records', Array.from({ length: 501 }, () => ({ key: 'k', data: 'd' })), 'ValidationException', /less than or equal to 500/],
    ['an empty key', [good, { key: '', data: 'd' }], 'ValidationException', /records\.2\.member\.partitionKey/],
    ['a key of 257 characters', [good, { key: 'k'.repeat(257), data: 'd' }], 'ValidationException', /less than or equal to 256/],
    ['a record beyond 1 MiB with its key', [good, { key: 'k', data: Buffer.alloc(1_048_576) }], 'ValidationException', /1048576/],
    [
      'a request beyond 10 MiB',
      Array.from({ length: 11 }, (_, i) => ({ key: `k${i}`, data: Buffer.alloc(1_000_000) })),
      'ValidationException',
      /10485760/,
    ],
    ['a hash key of 2^128', [good, { key: 'k', data: 'd', hashKey: (2n ** 128n).toString() }], 'InvalidArgumentException', /2\^128-1/],
    ['a hash key that is no number', [good, { key: 'k', data: 'd', hashKey: '0x1' }], 'ValidationException', /explicitHashKey/],
  ] as const) {
    it(`refuses ${what}, whole`, async () => {
      const ids = (await rig.shards('s')).map(({ ShardId = '' }) => ShardId);
      const stored = async () => (await Promise.all(ids.map((id) => rig.read('s', id)))).flat().length;
      const before = await stored();
      await assert.rejects(rig.put('s', records), awsError(error, message));
      assert.equal(await stored(), before);
    });
  }
});

describe('local Kinesis: reading records', () => {
  let rig: Rig;
  let sequences: string[];

  /** Ten records, one every 100 ms. */
  beforeEach(async () => {
    rig = await Rig.start();
    await rig.create('s', 2);
    sequences = [];
    for (let i = 0; i < 10; i++) {
      const { Records } = await rig.put('s', [{ key: 'k', data: String(i), hashKey: '0' }]);
      sequences.push(Records?.[0]?.SequenceNumber ?? '');
      rig.pass(100);
    }
  });
  afterEach(() => rig.stop());

  const from = async (input: Parameters<Rig['iterator']>[2]): Promise<string> => {
    const answer = await rig.get(await rig.iterator('s', first, input));
    return (answer.Records ?? []).map(textOf).join('');
  };

  it('starts where the iterator says', async () => {
    const arrivalOf4 = new Date(rig.nowMs - 600);
    assert.equal(await from({ ShardIteratorType: 'TRIM_HORIZON' }), '0123456789');
    assert.equal(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[4] }), '456789');
    rig.pass(1_000);
    assert.equal(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[4] }), '56789');
    assert.equal(await from({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[9] }), '');
    assert.equal(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: arrivalOf4 }), '456789');
    rig.pass(1_000);
    assert.equal(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(arrivalOf4.getTime() + 1) }), '56789');
    assert.equal(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(0) }), '0123456789');
    assert.equal(await from({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(rig.nowMs) }), '');
  });

  it('starts at the shard itself by its StartingSequenceNumber', async () => {
    const start = (await rig.shards('s'))[0]?.SequenceNumberRange?.StartingSequenceNumber;
    assert.equal(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: start }), '0123456789');
  });

  it('LATEST is fixed when it is asked for and sees what comes after', async () => {
    const latest = await rig.iterator('s', first, { ShardIteratorType: 'LATEST' });
    await rig.put('s', [{ key: 'k', data: 'later', hashKey: '0' }]);
    assert.deepEqual((await rig.get(latest)).Records?.map(textOf), ['later']);
  });

  it('goes page by page, telling how far behind each leaves the reader', async () => {
    let answer = await rig.get(await rig.iterator('s', first), 4);
    assert.deepEqual([answer.Records?.map(textOf).join(''), answer.MillisBehindLatest], ['0123', 600]);
    answer = await rig.get(answer.NextShardIterator, 4);
    assert.deepEqual([answer.Records?.map(textOf).join(''), answer.MillisBehindLatest], ['4567', 200]);
    answer = await rig.get(answer.NextShardIterator, 4);
    assert.deepEqual([answer.Records?.map(textOf).join(''), answer.MillisBehindLatest], ['89', 0]);
    answer = await rig.get(answer.NextShardIterator, 4);
    assert.deepEqual([answer.Records, answer.MillisBehindLatest], [[], 0]);
    await rig.put('s', [{ key: 'k', data: 'more', hashKey: '0' }]);
    answer = await rig.get(answer.NextShardIterator, 4);
    assert.deepEqual(answer.Records?.map(textOf), ['more']);
    assert.equal(answer.ChildShards, undefined);
  });

  it('answers at most 10 MiB at a time', async () => {
    await rig.create('big', 1);
    for (let i = 0; i < 12; i++) {
      await rig.put('big', [{ key: 'k', data: Buffer.alloc(1_000_000) }]);
      rig.pass(1_000);
    }
    const answer = await rig.get(await rig.iterator('big', first));
    assert.equal(answer.Records?.length, 10);
    rig.pass(5_000);
    assert.equal((await rig.get(answer.NextShardIterator)).Records?.length, 2);
  });

  it('answers at most 10,000 records at a time, and refuses to be asked for more', async () => {
    const many = await Rig.start({ limits: false });
    try {
      await many.create('many', 1);
      const batch = Array.from({ length: 500 }, () => ({ key: 'k', data: 'd' }));
      for (let i = 0; i < 21; i++) await many.put('many', batch);
      const answer = await many.get(await many.iterator('many', first));
      assert.equal(answer.Records?.length, 10_000);
      assert.equal((await many.get(answer.NextShardIterator)).Records?.length, 500);
      await assert.rejects(many.get(answer.NextShardIterator, 10_001), awsError('ValidationException', /10000/));
    } finally {
      await many.stop();
    }
  });

  it('lets arrival times stand still while the clock goes back', async () => {
    rig.pass(-5_000);
    await rig.put('s', [{ key: 'k', data: 'x', hashKey: '0' }]);
    const arrivals = (await rig.read('s', first)).map(({ ApproximateArrivalTimestamp: arrival }) => arrival?.getTime());
    assert.equal(arrivals.length, 11);
    assert.equal(arrivals[10], arrivals[9]);
  });

  it('refuses an iterator after 5 minutes, not before', async () => {
    const iterator = await rig.iterator('s', first);
    rig.pass(300_000);
    assert.equal((await rig.get(iterator)).Records?.length, 10);
    rig.pass(1);
    await assert.rejects(rig.get(iterator), awsError('ExpiredIteratorException', /tolerated delay of 300000 milliseconds/));
  });

  it('issues iterators that tell nothing and cannot be altered', async () => {
    const iterator = await rig.iterator('s', first);
    assert.ok(!Buffer.from(iterator, 'base64').toString('latin1').includes('shardId'));
    const bytes = Buffer.from(iterator, 'base64');
    for (const at of [0, 20, bytes.length - 1]) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await assert.rejects(rig.get(altered.toString('base64')), awsError('InvalidArgumentException', /Invalid ShardIterator/));
    }
    for (const tail of ['=', 'A', ' ']) await assert.rejects(rig.get(iterator + tail), awsError('InvalidArgumentException'));
    await assert.rejects(rig.get('nonsense'), awsError('InvalidArgumentException'));
  });

  it('refuses positions that are not of this shard, and unknown shards', async () => {
    const ask = (input: object) =>
      rig.client.send(new GetShardIteratorCommand({ StreamName: 's', ShardId: first, ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...input }));
    const other = (await rig.shards('s'))[1]?.SequenceNumberRange?.StartingSequenceNumber;
    await assert.rejects(
      ask({ StartingSequenceNumber: other }),
      awsError(
        'InvalidArgumentException',
        /It encodes shardId-000000000001, while it was used in a call to a shard with shardId-000000000000$/,
      ),
    );
    await assert.rejects(ask({ StartingSequenceNumber: '1' }), awsError('InvalidArgumentException'));
    await assert.rejects(ask({ StartingSequenceNumber: 'abc' }), awsError('ValidationException'));
    await assert.rejects(ask({}), awsError('InvalidArgumentException'));
    await assert.rejects(ask({ ShardIteratorType: 'AT_TIMESTAMP' }), awsError('InvalidArgumentException'));
    await assert.rejects(
      ask({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(rig.nowMs + 1_000) }),
      awsError('InvalidArgumentException', /greater than the currentTimestampInMillis/),
    );
    await assert.rejects(ask({ ShardId: 'shardId-000000000009' }), awsError('ResourceNotFoundException'));
    await assert.rejects(ask({ ShardIteratorType: 'SOMEWHERE' }), awsError('ValidationException'));
  });
});
