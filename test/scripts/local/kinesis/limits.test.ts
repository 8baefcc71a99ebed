import assert from 'node:assert/strict';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import { awsError, Rig } from './rig.ts';

const first = 'shardId-000000000000';

describe("local Kinesis: AWS's limits of a shard", () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
    await rig.create('s', 2);
  });
  afterEach(() => rig.stop());

  const batch = (count: number, bytes = 1, hashKey = '0') =>
    Array.from({ length: count }, () => ({ key: 'k', data: Buffer.alloc(bytes), hashKey }));

  it('takes exactly 1,000 records in each second and refuses the rest one by one', async () => {
    for (let second = 0; second < 3; second++) {
      let taken = 0;
      for (let i = 0; i < 5; i++) {
        const { Records = [], FailedRecordCount = 0 } = await rig.put('s', batch(300));
        const refused = Records.filter(({ ErrorCode }) => ErrorCode !== undefined);
        assert.equal(refused.length, FailedRecordCount);
        for (const { ErrorCode, ErrorMessage, SequenceNumber } of refused) {
          assert.deepEqual([ErrorCode, SequenceNumber], ['ProvisionedThroughputExceededException', undefined]);
          assert.match(ErrorMessage ?? '', /^Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000\.$/);
        }
        taken += 300 - FailedRecordCount;
        rig.pass(200);
      }
      assert.equal(taken, 1_000);
    }
    assert.equal((await rig.read('s', first)).length, 3_000);
  });

  it('takes exactly 1 MiB in each second, keys counted, and a smaller record that still fits', async () => {
    const { Records = [] } = await rig.put('s', [...batch(1, 600_000), ...batch(1, 600_000), ...batch(1, 448_573), ...batch(1, 1)]);
    assert.deepEqual(
      Records.map(({ ErrorCode }) => ErrorCode === undefined),
      [true, false, true, false], // 600,001 + 448,574 leaves one byte; two are needed
    );
    rig.pass(999);
    assert.equal((await rig.put('s', batch(1, 1))).FailedRecordCount, 1);
    rig.pass(1);
    assert.equal((await rig.put('s', batch(1, 1))).FailedRecordCount, 0);
  });

  it('lets no second hold more, wherever it begins', async () => {
    await rig.put('s', batch(1));
    rig.pass(900);
    await rig.put('s', batch(500));
    assert.equal((await rig.put('s', batch(500))).FailedRecordCount, 1);
    rig.pass(100);
    assert.equal((await rig.put('s', batch(500))).FailedRecordCount, 499, 'one from a second ago');
    rig.pass(899);
    assert.equal((await rig.put('s', batch(1))).FailedRecordCount, 1);
    rig.pass(1);
    assert.equal((await rig.put('s', batch(500))).FailedRecordCount, 0);
  });

  it('counts each shard alone', async () => {
    await rig.put('s', batch(500));
    await rig.put('s', batch(500));
    assert.equal((await rig.put('s', batch(1))).FailedRecordCount, 1);
    assert.equal((await rig.put('s', batch(500, 1, (2n ** 127n).toString()))).FailedRecordCount, 0);
  });

  it('gives a burst after a pause no more than one second holds', async () => {
    await rig.put('s', batch(1));
    rig.pass(60_000);
    const failed = await Promise.all([1, 2, 3].map(() => rig.put('s', batch(500))));
    assert.equal(
      failed.reduce((sum, { FailedRecordCount = 0 }) => sum + FailedRecordCount, 0),
      500,
    );
  });

  it('refuses PutRecord as a whole', async () => {
    await rig.put('s', batch(500));
    await rig.put('s', batch(500));
    const put = new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', ExplicitHashKey: '0', Data: Buffer.from('x') });
    await assert.rejects(rig.client.send(put), awsError('ProvisionedThroughputExceededException', /Rate exceeded/));
  });

  it('answers exactly 5 GetRecords in each second', async () => {
    const iterator = await rig.iterator('s', first);
    for (let second = 0; second < 3; second++) {
      for (let call = 0; call < 5; call++) {
        await rig.get(iterator);
        rig.pass(100);
      }
      await assert.rejects(rig.get(iterator), awsError('ProvisionedThroughputExceededException'));
      rig.pass(499);
      await assert.rejects(rig.get(iterator), awsError('ProvisionedThroughputExceededException'));
      rig.pass(1);
    }
  });

  it('refuses reads beyond 2 MiB in a second, and what was read too much counts in the next', async () => {
    for (let i = 0; i < 6; i++) {
      await rig.put('s', batch(1, 1_048_575));
      rig.pass(1_000);
    }
    const refused = (iterator: string | undefined) => assert.rejects(rig.get(iterator), awsError('ProvisionedThroughputExceededException'));
    let answer = await rig.get(await rig.iterator('s', first), 1);
    rig.pass(100);
    answer = await rig.get(answer.NextShardIterator, 2); // 3 MiB by now
    rig.pass(899);
    await refused(answer.NextShardIterator);
    rig.pass(100); // the MiB of a second ago has gone to the one too much
    await refused(answer.NextShardIterator);
    rig.pass(1);
    answer = await rig.get(answer.NextShardIterator, 1);
    assert.equal(answer.Records?.length, 1);
    rig.pass(899);
    await refused(answer.NextShardIterator);
    rig.pass(1);
    await rig.get(answer.NextShardIterator);
  });

  it('refuses reads for 5 s after an answer of 10 MiB', async () => {
    for (let i = 0; i < 10; i++) {
      await rig.put('s', batch(1, 1_048_575));
      rig.pass(1_000);
    }
    const answer = await rig.get(await rig.iterator('s', first));
    assert.equal(answer.Records?.length, 10);
    rig.pass(4_999);
    await assert.rejects(rig.get(answer.NextShardIterator), awsError('ProvisionedThroughputExceededException'));
    rig.pass(1);
    await rig.get(answer.NextShardIterator);
  });

  it('keeps none of them when they are switched off', async () => {
    const free = await Rig.start({ limits: false });
    try {
      await free.create('s', 1);
      for (let i = 0; i < 4; i++) assert.equal((await free.put('s', batch(500, 3_000))).FailedRecordCount, 0);
      const iterator = await free.iterator('s', first);
      for (let i = 0; i < 8; i++) assert.equal((await free.get(iterator)).Records?.length, 2_000);
    } finally {
      await free.stop();
    }
  });
});
