import assert from 'node:assert/strict';
import { ListStreamsCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';

/** Four streams of this check, the first to start behind: others of the account do not matter then. */
async function listed(context: Context): Promise<{ start: string; names: string[] }> {
  const start = context.name();
  const names = ['-a', '-b', '-c'].map((end) => `${start}${end}`);
  for (const name of [start, ...names]) {
    await context.operation('CreateStream', { StreamName: name, ShardCount: 1 });
    await context.active(name);
  }
  return { start, names };
}

export const listStreamsChecks: readonly Check[] = [
  {
    id: 'ListStreams: ExclusiveStartStreamName and Limit walk the names in order, HasMoreStreams says when to go on',
    cites: 'ListStreams: "request more streams by using the name of the last stream returned ... in the ExclusiveStartStreamName"',
    async run(context) {
      const { start, names } = await listed(context);
      const first = await context.send(new ListStreamsCommand({ ExclusiveStartStreamName: start, Limit: 2 }));
      assert.deepEqual(first.StreamNames, names.slice(0, 2));
      assert.equal(first.HasMoreStreams, true);
      const second = await context.send(new ListStreamsCommand({ ExclusiveStartStreamName: names[1], Limit: 1 }));
      assert.deepEqual(second.StreamNames, names.slice(2));
    },
  },
  {
    id: 'ListStreams: NextToken goes on where the page ended',
    cites: 'ListStreams, NextToken',
    async run(context) {
      const { start, names } = await listed(context);
      const first = await context.send(new ListStreamsCommand({ ExclusiveStartStreamName: start, Limit: 1 }));
      assert.ok(first.NextToken, 'there is no NextToken');
      const second = await context.send(new ListStreamsCommand({ NextToken: first.NextToken, Limit: 1 }));
      assert.deepEqual(second.StreamNames, [names[1]]);
    },
  },
  {
    id: 'ListStreams: StreamSummaries tell ARN, status and mode of the streams named',
    cites: 'ListStreams, StreamSummaries; StreamSummary',
    async run(context) {
      const { start, names } = await listed(context);
      const { StreamSummaries = [] } = await context.send(new ListStreamsCommand({ ExclusiveStartStreamName: start, Limit: 1 }));
      const [summary] = StreamSummaries;
      assert.equal(summary?.StreamName, names[0]);
      assert.match(summary?.StreamARN ?? '', new RegExp(`:stream/${names[0]}$`));
      assert.equal(summary?.StreamStatus, 'ACTIVE');
      assert.equal(summary?.StreamModeDetails?.StreamMode, 'PROVISIONED');
      assert.ok(summary?.StreamCreationTimestamp instanceof Date);
    },
  },
  ...[0, 10_001].map(
    (limit): Check => ({
      id: `ListStreams: Limit ${limit} is refused with ValidationException`,
      cites: 'ListStreams, Limit: "Valid Range: Minimum value of 1. Maximum value of 10000"',
      run: async (context) => void (await context.refused(new ListStreamsCommand({ Limit: limit }), 'ValidationException')),
    }),
  ),
];
