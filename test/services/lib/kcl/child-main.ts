import { kclConsumerConfig } from '../../../../services/lib/kcl/config.ts';
import { runConsumer } from '../../../../services/lib/kcl/consumer.ts';
import { textOr } from '../../../../services/lib/process/config.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { defineService } from '../../../../services/lib/process/service.ts';

const stream = { name: 's', summary: 'any', localShards: 1, retentionHours: 24 };

/** A consumer that does as each record's data, or its environment, says. */
await runConsumer({
  definition: defineService({
    name: 'obedient',
    summary: 'does as it is told',
    runtime: 'kcl-consumer',
    config: { ...kclConsumerConfig, STREAM: textOr('s') },
    consumes: { stream, streamConfigKey: 'STREAM', application: 'obedient', idleTimeBetweenReadsMs: 200, maxRecords: 10 },
    produces: [],
    tables: [],
    topics: [],
    objects: [],
    actions: [],
    size: { cpu: 256, memoryMiB: 512 },
  }),
  startBackground() {
    if (process.env['BACKGROUND'] === 'rejects') void Promise.reject(new Error('nobody handles this'));
    return { stop: async () => undefined };
  },
  createProcessor: ({ log, metrics, streamId, application, workerId }) => ({
    async initialize() {
      log.info({ streamId, application, workerId }, 'initialized');
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
