import { kclConsumerConfig } from '../../../../services/lib/kcl/config.ts';
import { runConsumer } from '../../../../services/lib/kcl/consumer.ts';
import { textOr } from '../../../../services/lib/process/config.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { sampleConsumer } from '../../../support/sample-consumer.ts';

/** A consumer that does as each record's data, or its environment, says. */
await runConsumer({
  definition: sampleConsumer(
    'obedient',
    { ...kclConsumerConfig, STREAM: textOr('s') },
    { streamName: 's', streamConfigKey: 'STREAM', idleTimeBetweenReadsMs: 200, maxRecords: 10 },
  ),
  startBackground() {
    if (process.env['BACKGROUND'] === 'rejects') void Promise.reject(new Error('nobody handles this'));
    return { stop: async () => undefined };
  },
  createProcessor: ({ log, metrics, streamId, application, workerId }) => ({
    async initialize({ failoverTimeMs, shard }) {
      log.info({ streamId, application, workerId, failoverTimeMs, rangeStart: shard?.range.start.toString() }, 'initialized');
    },
    async processRecords({ records }) {
      for (const { data } of records) {
        const order = data.toString('utf8');
        metrics.count('orders');
        if (order === 'print') {
          console.log('{"action":"status","responseFor":"processRecords"}');
          console.error('to stderr');
          process.stdout.write('raw\n');
        }
        if (order === 'reject') throw new PlatformError('PUT_FAILED', 'could not put', { cause: new Error('the cause') });
        if (order === 'throw-later') setTimeout(() => JSON.parse('{'), 0);
        if (order === 'reject-later') void Promise.reject(new Error('nobody handles this'));
        if (order === 'hang' || order.endsWith('-later')) await new Promise(() => {});
      }
    },
    shardEnded: async (checkpointer) => void (await checkpointer.all()),
    shutdownRequested: async (checkpointer) => void (await checkpointer.all()),
    async leaseLost() {
      setInterval(() => {}, 1_000); // a timer left behind must not keep the daemon waiting
    },
  }),
});
