import { PassThrough } from 'node:stream';
import kcl from 'aws-kcl';
import { ShardCheckpointer } from '../../../../services/lib/kcl/checkpointer.ts';
import type { RecordProcessor } from '../../../../services/lib/kcl/processor.ts';
import { ShardSession } from '../../../../services/lib/kcl/shard-session.ts';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';

export interface Message {
  readonly action: string;
  readonly responseFor?: string;
  readonly sequenceNumber?: string | null;
}

/** The daemon's side of the protocol over in-memory streams, and what the session made of it. The stream knows `shard`, or lists none. */
export function startSession(processor: Partial<RecordProcessor>, shard?: Pick<Shard, 'range' | 'closed'>) {
  const input = new PassThrough();
  const output = new PassThrough();
  const complaints = new PassThrough();
  const log = createLogger('test', 'error', () => {});
  const metrics = new Metrics();
  const events: string[] = [];
  const received: Message[] = [];
  let wake = (): void => {};
  let rest = '';
  output.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') received.push(JSON.parse(line) as Message);
    wake();
  });
  const nothing = async (): Promise<void> => {};
  const session = new ShardSession({
    processor: {
      initialize: nothing,
      processRecords: nothing,
      shardEnded: nothing,
      shutdownRequested: nothing,
      leaseLost: nothing,
      ...processor,
    },
    checkpointer: new ShardCheckpointer(log, metrics, nothing),
    metrics,
    pause: nothing,
    findShard: async (shardId) => shard && { shardId, parents: [], startingSequenceNumber: '1', ...shard },
    context: (shardId, shard) => ({
      shardId,
      shard,
      streamName: 's',
      streamId: 's@1',
      application: 'a',
      workerId: 'w',
      failoverTimeMs: 3_000,
      log,
      metrics,
    }),
    events: {
      onShard: (shardId) => void events.push(`shard ${shardId}`),
      onDone: (reason) => {
        events.push(`done ${reason}`);
        wake();
      },
      onFailure: (action, thrown) => {
        events.push(`failed ${action}: ${(thrown as Error).message}`);
        wake();
      },
    },
  });
  const process = kcl(session, input, output, complaints);
  process._kclManager._reportError = (message) => void events.push(`complaint ${message}`);
  process.run();
  const waitFor = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    events,
    received,
    metrics,
    send: (message: object): void => void input.write(`${JSON.stringify(message)}\n`),
    waitFor,
    /** The next message the child writes, from where the last call stopped. */
    async next(): Promise<Message> {
      await waitFor(() => received.length > 0);
      return received.shift() as Message;
    },
    close: () => process.cleanup(),
  };
}

export const initialize = { action: 'initialize', shardId: 'shardId-000000000003', sequenceNumber: '100', subSequenceNumber: 2 };

/** Of every record. */
export const partitionKey = 'üser\u2028x';

export function processRecords(...sequences: [sequence: string, sub: number][]) {
  return {
    action: 'processRecords',
    millisBehindLatest: 42,
    records: sequences.map(([sequenceNumber, subSequenceNumber]) => ({
      action: 'record',
      data: Buffer.from(`data ${sequenceNumber}/${subSequenceNumber}`).toString('base64'),
      partitionKey,
      sequenceNumber,
      subSequenceNumber,
      approximateArrivalTimestamp: 1_700_000_000_123,
    })),
  };
}
