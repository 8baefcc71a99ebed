import assert from 'node:assert/strict';
import {
  DecreaseStreamRetentionPeriodCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  type ShardFilter,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { FanoutRig } from './fanout/fanout-rig.ts';
import { awsError, Rig, startMs, textOf } from './rig.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const StreamName = 's';
const idOf = (n: number): string => `shardId-${String(n).padStart(12, '0')}`;
const first = idOf(0);

const increase = (rig: Rig, hours: number) =>
  rig.client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: hours }));
const decrease = (rig: Rig, hours: number) =>
  rig.client.send(new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: hours }));
const put = (rig: Rig, data: string) => rig.put(StreamName, [{ key: 'k', data, hashKey: '7' }]);

describe('local Kinesis: the retention of records', () => {
  let rig: Rig;
  let sequences: string[];

  /** Records 0 to 4, one an hour from the start; the clock then shows 5 h. */
  beforeEach(async () => {
    rig = await Rig.start({ limits: false });
    await rig.create(StreamName, 1);
    sequences = [];
    for (let i = 0; i < 5; i++) {
      const { Records } = await put(rig, String(i));
      sequences.push(Records?.[0]?.SequenceNumber ?? '');
      rig.pass(hourMs);
    }
  });
  afterEach(() => rig.stop());

  const from = async (input?: Parameters<Rig['iterator']>[2]): Promise<string> => {
    const { Records = [] } = await rig.get(await rig.iterator(StreamName, first, input));
    return Records.map(textOf).join('');
  };
  const hours = async () =>
    (await rig.client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary?.RetentionPeriodHours;

  it('delivers a record for 24 hours to the millisecond, wherever the reader stands', async () => {
    rig.pass(dayMs - 5 * hourMs);
    assert.equal(await from(), '01234');
    const old = [
      await rig.iterator(StreamName, first),
      await rig.iterator(StreamName, first, { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[0] }),
    ];
    rig.pass(1);
    for (const iterator of old) assert.equal((await rig.get(iterator)).Records?.map(textOf).join(''), '1234');
    rig.pass(hourMs);
    for (const input of [
      { ShardIteratorType: 'TRIM_HORIZON' },
      { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(startMs) },
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[0] },
      { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[0] },
    ] as const) {
      assert.equal(await from(input), '234', input.ShardIteratorType);
    }
    assert.equal(await from({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequences[3] }), '34');
    rig.pass(dayMs);
    const { Records, MillisBehindLatest, NextShardIterator } = await rig.get(await rig.iterator(StreamName, first));
    assert.deepEqual([Records, MillisBehindLatest], [[], 0]);
    await put(rig, 'new');
    assert.deepEqual((await rig.get(NextShardIterator)).Records?.map(textOf), ['new']);
  });

  it('keeps records longer from the increase on; what has expired stays so', async () => {
    rig.pass(dayMs - 3 * hourMs); // 26 h: 0 and 1 have expired, 2 is 24 h old
    await increase(rig, 48);
    assert.equal(await hours(), 48);
    assert.equal(await from(), '234');
    rig.pass(dayMs);
    assert.equal(await from(), '234');
    rig.pass(1);
    assert.equal(await from(), '34');
  });

  it('does not bring back by an increase what has expired since it was last looked at', async () => {
    rig.pass(dayMs - 5 * hourMs);
    rig.pass(1);
    await increase(rig, 48);
    assert.equal(await from(), '1234');
  });

  it('loses at once what a decrease leaves behind, and does not find it again', async () => {
    await increase(rig, 8_760);
    rig.pass(300 * dayMs);
    assert.equal(await from(), '01234');
    await put(rig, '5');
    await decrease(rig, 24);
    assert.equal(await hours(), 24);
    assert.equal(await from(), '5');
    await increase(rig, 8_760);
    assert.equal(await from(), '5');
  });

  it('lies between 24 and 8,760 hours and moves only the way that is asked for', async () => {
    await increase(rig, 30);
    for (const [change, period, message] of [
      [increase, 23, 'Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.'],
      [decrease, -1, 'Minimum allowed retention period is 24 hours. Requested retention period (-1 hours) is too short.'],
      [increase, 8_761, 'Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.'],
      [
        increase,
        29,
        'Requested retention period (29 hours) for stream s can not be shorter than existing retention period (30 hours). Use DecreaseRetentionPeriod API.',
      ],
      [
        decrease,
        31,
        'Requested retention period (31 hours) for stream s can not be longer than existing retention period (30 hours). Use IncreaseRetentionPeriod API.',
      ],
    ] as const) {
      await assert.rejects(change(rig, period), { name: 'InvalidArgumentException', message });
    }
    assert.equal(await hours(), 30);
  });
});

describe('local Kinesis: the retention of shards', () => {
  let rig: Rig;

  /** 0, 1 from the start; at 10 h 0 is split into 2 and 3; at 20 h all become 4 equal ones. A record an hour goes to the first shard. */
  beforeEach(async () => {
    rig = await Rig.start({ limits: false });
    await rig.create(StreamName, 2);
    for (let hour = 0; hour < 22; hour++) {
      if (hour === 10)
        await rig.client.send(new SplitShardCommand({ StreamName, ShardToSplit: first, NewStartingHashKey: String(2n ** 126n) }));
      if (hour === 20)
        await rig.client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }));
      await put(rig, String(hour));
      rig.pass(hourMs);
    }
  });
  afterEach(() => rig.stop());

  const list = async (filter?: ShardFilter) => {
    const { Shards = [] } = await rig.client.send(new ListShardsCommand({ StreamName, ...(filter && { ShardFilter: filter }) }));
    return Shards.map(({ ShardId }) => Number(ShardId?.slice(-12)));
  };
  const toHour = (hour: number, moreMs = 0) => rig.pass(startMs + hour * hourMs + moreMs - rig.nowMs);
  const at = (hour: number) => new Date(startMs + hour * hourMs);

  it('forgets a closed shard 24 hours after its end, in lists as for readers', async () => {
    assert.deepEqual(await list(), [0, 1, 2, 3, 4, 5]);
    toHour(34);
    assert.deepEqual(await list(), [0, 1, 2, 3, 4, 5]);
    const iterator = await rig.iterator(StreamName, first);
    assert.equal((await rig.get(iterator)).ChildShards?.length, 2);
    toHour(34, 1);
    assert.deepEqual(await list(), [1, 2, 3, 4, 5]);
    const { StreamDescription } = await rig.client.send(new DescribeStreamCommand({ StreamName }));
    assert.equal(StreamDescription?.Shards?.[0]?.ShardId, idOf(1));
    await assert.rejects(rig.get(iterator), awsError('ResourceNotFoundException'));
    await assert.rejects(rig.iterator(StreamName, first), awsError('ResourceNotFoundException'));
    assert.deepEqual((await rig.shards(StreamName)).find(({ ShardId }) => ShardId === idOf(2))?.ParentShardId, first);
    assert.deepEqual(
      (await rig.read(StreamName, idOf(2))).map(textOf),
      Array.from({ length: 12 }, (_, i) => String(10 + i)).filter((hour) => Number(hour) > 10),
    );
    toHour(44, 1);
    assert.deepEqual(await list(), [2, 3, 4, 5]);
  });

  it('lists by filter what can still be read: the AT_ filters tile the key space', async () => {
    toHour(30); // the horizon is at 6 h
    assert.deepEqual(await list({ Type: 'AT_TRIM_HORIZON' }), [0, 1]);
    toHour(34); // 10 h: shard 0 may hold a record of that very millisecond
    assert.deepEqual(await list({ Type: 'AT_TRIM_HORIZON' }), [0, 1]);
    toHour(35);
    assert.deepEqual(await list({ Type: 'AT_TRIM_HORIZON' }), [1, 2, 3]);
    assert.deepEqual(await list({ Type: 'FROM_TRIM_HORIZON' }), [1, 2, 3, 4, 5]);
    assert.deepEqual(await list({ Type: 'AT_TIMESTAMP', Timestamp: at(5) }), [1, 2, 3]);
    assert.deepEqual(await list({ Type: 'AT_TIMESTAMP', Timestamp: at(21) }), [2, 3, 4, 5]);
    assert.deepEqual(await list({ Type: 'FROM_TIMESTAMP', Timestamp: at(5) }), [1, 2, 3, 4, 5]);
    toHour(45);
    assert.deepEqual(await list({ Type: 'AT_TRIM_HORIZON' }), [2, 3, 4, 5]);
  });

  it('keeps the lists short, however often a stream is resharded', async () => {
    for (let i = 0; i < 60; i++) {
      rig.pass(13 * hourMs);
      await rig.client.send(
        new UpdateShardCountCommand({ StreamName, TargetShardCount: i % 2 === 0 ? 2 : 4, ScalingType: 'UNIFORM_SCALING' }),
      );
    }
    const ids = await list();
    assert.ok(ids.length <= 4 + 2 * 4, `${ids.length} shards are listed`);
    assert.ok(Math.max(...ids) > 150);
  });
});

describe('local Kinesis: retention and subscriptions', () => {
  it('goes on at the horizon, wherever the subscription begins', async () => {
    const rig = await FanoutRig.open({ limits: false });
    try {
      const { Records } = await rig.put(StreamName, [{ key: 'k', data: 'old' }]);
      rig.pass(dayMs);
      await rig.put(StreamName, [{ key: 'k', data: 'young' }]);
      rig.pass(1);
      const SequenceNumber = Records?.[0]?.SequenceNumber;
      for (const position of [
        { Type: 'TRIM_HORIZON' },
        { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber },
        { Type: 'AT_TIMESTAMP', Timestamp: new Date(startMs) },
      ] as const) {
        const reader = await rig.subscribe(position);
        assert.deepEqual(await reader.texts(1), ['young'], position.Type);
        rig.pass(5_000); // until then the seat is taken
      }
    } finally {
      await rig.stop();
    }
  });
});

describe('local Kinesis: memory', () => {
  it('comes back from records that have expired unread, so that the byte cap is not reached', async () => {
    let trims = 0;
    const rig = await Rig.start({ limits: false, maxBytes: 5_000_000, onTrim: () => (trims += 1) });
    const fill = async () => {
      for (let i = 0; i < 4; i++) await rig.put(StreamName, [{ key: 'k', data: Buffer.alloc(1_000_000, i) }]);
    };
    try {
      await rig.create(StreamName, 1);
      await rig.create('other', 1);
      await fill();
      rig.pass(dayMs + 1);
      await rig.put('other', [{ key: 'k', data: Buffer.alloc(1_000_000) }]);
      await fill();
      assert.equal(trims, 1, 'five slabs do not fit into four');
      rig.pass(dayMs + 1);
      await fill();
      assert.equal(trims, 1);
      assert.equal((await rig.read(StreamName, first)).length, 4);
    } finally {
      await rig.stop();
    }
  });
});
