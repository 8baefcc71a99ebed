import { createDeadLetters } from '../lib/deadletter/dead-letters.ts';
import { runConsumer } from '../lib/kcl/consumer.ts';
import { createSurely } from '../lib/objects/create-surely.ts';
import { openObjectStore } from '../lib/objects/open.ts';
import { kinesisClient } from '../lib/process/aws.ts';
import { Producer } from '../lib/producer/producer.ts';
import { EventRouter } from './processor.ts';
import { eventRouter } from './service.ts';

await runConsumer({
  definition: eventRouter,
  createProcessor({ config, log, metrics }) {
    const objects = openObjectStore(config.OBJECTS_URL, config);
    return new EventRouter({
      producer: new Producer({ kinesis: kinesisClient(config), streamName: config.EVENTS_STREAM, log, metrics }),
      deadLetters: createDeadLetters(objects, eventRouter.name, { log }),
      keepOriginal: (key, data) => createSurely(objects, key, data, { log }),
      item: { names: config.ITEM_ATTRIBUTES, cancelledStatus: config.CANCELLED_STATUS },
      now: Date.now,
    });
  },
});
