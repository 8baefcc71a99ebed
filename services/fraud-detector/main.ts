import { runConsumer } from '../lib/kcl/consumer.ts';
import { readShard } from '../lib/kcl/shard-reader.ts';
import { listShards } from '../lib/kcl/shards.ts';
import { dynamoClient, kinesisClient, snsClient } from '../lib/process/aws.ts';
import { compileRules } from '../lib/rules/compile.ts';
import { AlertStore } from './alert-store.ts';
import { defaultRules } from './default-rules.ts';
import { Notifier } from './notifier.ts';
import { FraudProcessor } from './processor.ts';
import { fraudDetector } from './service.ts';

await runConsumer({
  definition: fraudDetector,
  createProcessor({ config, log, metrics }) {
    const now = Date.now;
    const kinesis = kinesisClient(config);
    const store = new AlertStore(dynamoClient(config), config.ALERTS_TABLE);
    const notifier = new Notifier({ sns: snsClient(config), topicArn: config.ALERTS_TOPIC_ARN, store, log, metrics, now });
    return new FraudProcessor({
      rules: compileRules(defaultRules),
      store,
      notifier,
      listShards: (streamName) => listShards(kinesis, streamName),
      read: (streamName, shard, after, upTo) =>
        readShard({
          kinesis,
          streamName,
          shard,
          after,
          upTo,
          onStray: (sequenceNumber, userRecords) =>
            log.warn({ event: 'stray.dropped', shardId: shard.shardId, sequenceNumber, userRecords }, 'dropped an aggregate as KCL does'),
        }),
      now,
    });
  },
});
