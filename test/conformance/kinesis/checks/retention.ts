import assert from 'node:assert/strict';
import {
  DecreaseStreamRetentionPeriodCommand as Decrease,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand as Increase,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { type Context, textsOf } from '../context.ts';

const first = 'shardId-000000000000';
const hourMs = 3_600_000;

async function hoursOf(context: Context, StreamName: string): Promise<number | undefined> {
  const { StreamDescriptionSummary } = await context.send(new DescribeStreamSummaryCommand({ StreamName }));
  return StreamDescriptionSummary?.RetentionPeriodHours;
}

export const retentionChecks: readonly Check[] = [
  {
    id: 'IncreaseStreamRetentionPeriod: the new period is told by DescribeStreamSummary',
    cites: 'IncreaseStreamRetentionPeriod, RetentionPeriodHours: "The new retention period of the stream, in hours"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new Increase({ StreamName: name, RetentionPeriodHours: 48 }));
      await context.active(name);
      assert.equal(await hoursOf(context, name), 48);
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: 8,760 hours are taken',
    cites: 'IncreaseStreamRetentionPeriod: "The maximum value of a stream\'s retention period is 8760 hours (365 days)"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new Increase({ StreamName: name, RetentionPeriodHours: 8_760 }));
      await context.active(name);
      assert.equal(await hoursOf(context, name), 8_760);
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: 8,761 hours are refused',
    cites: 'IncreaseStreamRetentionPeriod: "The maximum value of a stream\'s retention period is 8760 hours (365 days)"',
    async run(context) {
      const { name } = await context.stream();
      const command = new Increase({ StreamName: name, RetentionPeriodHours: 8_761 });
      await context.refused(command, 'InvalidArgumentException', 'ValidationException');
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: fewer hours than now are refused with InvalidArgumentException',
    cites: 'IncreaseStreamRetentionPeriod, RetentionPeriodHours: "Must be more than the current retention period"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new Increase({ StreamName: name, RetentionPeriodHours: 48 }));
      await context.active(name);
      await context.refused(new Increase({ StreamName: name, RetentionPeriodHours: 47 }), 'InvalidArgumentException');
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: takes StreamARN instead of StreamName',
    cites: 'IncreaseStreamRetentionPeriod: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { name, arn } = await context.stream();
      await context.send(new Increase({ StreamARN: arn, RetentionPeriodHours: 25 }));
      await context.active(name);
      assert.equal(await hoursOf(context, name), 25);
    },
  },
  {
    id: 'DecreaseStreamRetentionPeriod: goes back to 24 hours',
    cites: 'DecreaseStreamRetentionPeriod: "The minimum value of a stream\'s retention period is 24 hours"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new Increase({ StreamName: name, RetentionPeriodHours: 48 }));
      await context.active(name);
      await context.send(new Decrease({ StreamName: name, RetentionPeriodHours: 24 }));
      await context.active(name);
      assert.equal(await hoursOf(context, name), 24);
    },
  },
  {
    id: 'DecreaseStreamRetentionPeriod: 23 hours are refused with InvalidArgumentException',
    cites: 'DecreaseStreamRetentionPeriod: "The minimum value of a stream\'s retention period is 24 hours"',
    async run(context) {
      const { name } = await context.stream();
      await context.refused(new Decrease({ StreamName: name, RetentionPeriodHours: 23 }), 'InvalidArgumentException');
    },
  },
  {
    id: 'DecreaseStreamRetentionPeriod: more hours than now are refused with InvalidArgumentException',
    cites: 'DecreaseStreamRetentionPeriod, RetentionPeriodHours: "Must be less than the current retention period"',
    async run(context) {
      const { name } = await context.stream();
      await context.refused(new Decrease({ StreamName: name, RetentionPeriodHours: 25 }), 'InvalidArgumentException');
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: a stream that is not there is refused with ResourceNotFoundException',
    cites: 'IncreaseStreamRetentionPeriod, Errors: ResourceNotFoundException',
    run: async (context) =>
      void (await context.refused(new Increase({ StreamName: context.name(), RetentionPeriodHours: 48 }), 'ResourceNotFoundException')),
  },
  {
    id: 'PutRecord: a record can be read for 24 hours, and not after',
    cites: 'PutRecord: "By default, data records are accessible for 24 hours from the time that they are added to a stream"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'old');
      context.pass(24 * hourMs - 60_000);
      assert.deepEqual(textsOf((await context.read(await context.iterator(stream, first), 1)).records), ['old']);
      context.pass(120_000);
      assert.deepEqual((await context.read(await context.iterator(stream, first))).records, []);
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: records stay readable for the longer period',
    cites: 'IncreaseStreamRetentionPeriod: "increases the time period during which records that have not yet expired are accessible"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'kept');
      await context.send(new Increase({ StreamName: stream.name, RetentionPeriodHours: 48 }));
      await context.active(stream.name);
      context.pass(47 * hourMs);
      assert.deepEqual(textsOf((await context.read(await context.iterator(stream, first), 1)).records), ['kept']);
    },
  },
  {
    id: 'IncreaseStreamRetentionPeriod: what has expired does not come back',
    cites: 'IncreaseStreamRetentionPeriod: "does not make previous, expired data ... accessible after the operation has been called"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'expired');
      context.pass(25 * hourMs);
      await context.send(new Increase({ StreamName: stream.name, RetentionPeriodHours: 168 }));
      await context.active(stream.name);
      assert.deepEqual((await context.read(await context.iterator(stream, first))).records, []);
    },
  },
  {
    id: 'DecreaseStreamRetentionPeriod: what is older than the new period is inaccessible',
    cites: 'DecreaseStreamRetentionPeriod: "any data already in the stream that is older than 24 hours is inaccessible"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      await context.send(new Increase({ StreamName: stream.name, RetentionPeriodHours: 48 }));
      await context.active(stream.name);
      await context.put(stream, 'a', 'old');
      context.pass(30 * hourMs);
      await context.put(stream, 'a', 'new');
      await context.send(new Decrease({ StreamName: stream.name, RetentionPeriodHours: 24 }));
      await context.active(stream.name);
      assert.deepEqual(textsOf((await context.read(await context.iterator(stream, first), 1)).records), ['new']);
    },
  },
];
