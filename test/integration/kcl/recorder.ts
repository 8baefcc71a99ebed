import { appendFileSync } from 'node:fs';
import { kclConsumerConfig } from '../../../services/lib/kcl/config.ts';
import { runConsumer } from '../../../services/lib/kcl/consumer.ts';
import type { RecordProcessor } from '../../../services/lib/kcl/processor.ts';
import { text, textOr } from '../../../services/lib/process/config.ts';
import { sampleConsumer } from '../../support/sample-consumer.ts';

/** A KCL consumer that writes down all it is told, one JSON line each, and checkpoints after every batch. */
const recorder = sampleConsumer(
  'recorder',
  { ...kclConsumerConfig, STREAM: textOr('recorded'), EVIDENCE: text },
  { streamName: 'recorded', streamConfigKey: 'STREAM', idleTimeBetweenReadsMs: 200, maxRecords: 1_000 },
);

await runConsumer({
  definition: recorder,
  createProcessor({ config, metrics }): RecordProcessor {
    let shard = '';
    const note = (entry: object): void =>
      appendFileSync(config.EVIDENCE, `${JSON.stringify({ at: Date.now(), pid: process.pid, shard, ...entry })}\n`);
    return {
      async initialize(context, checkpoint) {
        shard = context.shardId;
        console.log('{"action":"status","responseFor":"initialize"}'); // must never reach the daemon
        note({ event: 'initialize', checkpoint });
      },
      async processRecords({ records }, checkpointer) {
        if (records.length === 0) return;
        for (const { partitionKey, sequenceNumber, data } of records) {
          note({ event: 'record', key: partitionKey, sequenceNumber, value: data.toString('utf8') });
        }
        metrics.count('recorded', records.length);
        await checkpointer.all();
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
