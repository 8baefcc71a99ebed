import { createDeadLetters } from '../lib/deadletter/dead-letters.ts';
import { bookingEvents } from '../lib/events/streams.ts';
import { runConsumer } from '../lib/kcl/consumer.ts';
import { openObjectStore } from '../lib/objects/open.ts';
import { dynamoClient, kinesisClient, snsClient } from '../lib/process/aws.ts';
import { DynamoRulesStore } from '../lib/rules/live/dynamo-rules-store.ts';
import { RulesSource } from '../lib/rules/live/rules-source.ts';
import { DynamoStateTable } from '../lib/state/dynamo-state-table.ts';
import { SnapshotObjects } from '../lib/state/snapshot-objects.ts';
import { StatefulShard } from '../lib/state/stateful-shard.ts';
import { kinesisReading } from '../lib/state/stream-reading.ts';
import { AlertStore } from './alert-store.ts';
import { defaultRulesFile } from './default-rules.ts';
import { FraudModel } from './fraud-model.ts';
import { Notifier } from './notifier.ts';
import { fraudDetector } from './service.ts';

await runConsumer({
  definition: fraudDetector,
  createProcessor({ config, log, metrics }) {
    const now = Date.now;
    const kinesis = kinesisClient(config);
    const dynamo = dynamoClient(config);
    const objects = openObjectStore(config.OBJECTS_URL, config);
    const rulesStore = new DynamoRulesStore(dynamo, config.RULES_TABLE, objects);
    const rules = new RulesSource({ store: rulesStore, defaults: defaultRulesFile, now, log, metrics });
    const store = new AlertStore(dynamo, config.ALERTS_TABLE, { log, metrics });
    const notifier = new Notifier({
      sns: snsClient(config),
      topicArn: config.ALERTS_TOPIC_ARN,
      store,
      withheld: (ruleId) => rules.withholds(ruleId),
      maxPerMinute: config.MAX_ALERTS_PER_MINUTE,
      log,
      metrics,
      now,
    });
    return new StatefulShard({
      stopSaveMs: config.STOP_DEADLINE_MS * 0.5,
      parts: (shard) => ({
        model: new FraudModel({ rules, store, notifier, shardId: shard.shardId, metrics, now }),
        table: new DynamoStateTable(dynamo, config.STATE_TABLE, shard),
        objects: new SnapshotObjects(objects, shard, { log }),
        stream: kinesisReading(kinesis, shard, { retentionHours: bookingEvents.retentionHours, now }),
        deadLetters: createDeadLetters(objects, fraudDetector.name, { log }),
        snapshotIntervalMs: config.SNAPSHOT_INTERVAL_MS,
        patience: { log },
        now,
      }),
    });
  },
});
