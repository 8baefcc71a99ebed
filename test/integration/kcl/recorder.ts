import { appendFileSync } from 'node:fs';
import { kclConsumerConfig } from '../../../services/lib/kcl/config.ts';
import { runConsumer } from '../../../services/lib/kcl/consumer.ts';
import type { RecordProcessor } from '../../../services/lib/kcl/processor.ts';
import { text, textOr } from '../../../services/lib/process/config.ts';
import { sampleConsumer } from '../../support/sample-consumer.ts';

const checkpointIntervalMs = 1_000;

/** A KCL consumer that writes down all it is told, one JSON line each, and checkpoints as the services do: every second, and when it is quiet. */
const recorder = sampleConsumer(
  'recorder',
  { ...kclConsumerConfig, STREAM: textOr('recorded'), EVIDENCE: text },
  { streamName: 'recorded', streamConfigKey: 'STREAM', idleTimeBetweenReadsMs: 200, maxRecords: 1_000 },
);

await runConsumer({
  definition: recorder,
  createProcessor({ config, metrics, workerId }): RecordProcessor {
    let shard = '';
    let last: string | undefined;
    let checkpointedAt = 0;
    const line = (at: number, entry: object): string => `${JSON.stringify({ at, pid: process.pid, worker: workerId, shard, ...entry })}\n`;
    const note = (entry: object): void => appendFileSync(config.EVIDENCE, line(Date.now(), entry));
    return {
      async initialize(context, checkpoint) {
        shard = context.shardId;
        console.log('{"action":"status","responseFor":"initialize"}'); // must never reach the daemon
        note({ event: 'initialize', position: checkpoint });
      },
      async processRecords({ records }, checkpointer) {
        const at = Date.now();
        const lines = records.map(({ partitionKey: key, position, data }) =>
          line(at, { event: 'record', key, position, value: data.toString('utf8').trimEnd() }),
        );
        if (lines.length > 0) appendFileSync(config.EVIDENCE, lines.join(''));
        metrics.count('recorded', records.length);
        last = records.at(-1)?.position ?? last;
        if (last === undefined || (records.length > 0 && at - checkpointedAt < checkpointIntervalMs)) return;
        checkpointedAt = at;
        if ((await checkpointer.all()).ok) note({ event: 'checkpointed', position: last });
        last = undefined;
      },
      async shardEnded(checkpointer) {
        note({ event: 'shardEnded', outcome: await checkpointer.all() });
      },
      async shutdownRequested(checkpointer) {
        note({ event: 'shutdownRequested', outcome: await checkpointer.all() });
      },
      async leaseLost() {
        note({ event: 'leaseLost' });
      },
    };
  },
});
