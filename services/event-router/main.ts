import { createDeadLetters } from '../lib/deadletter/dead-letters.ts';
import { defaultItemNames } from '../lib/events/change-record-codec.ts';
import { runConsumer } from '../lib/kcl/consumer.ts';
import { createSurely } from '../lib/objects/create-surely.ts';
import { openObjectStore } from '../lib/objects/open.ts';
import { kinesisClient } from '../lib/process/aws.ts';
import { Producer } from '../lib/producer/producer.ts';
import { itemNames } from './item-attributes.ts';
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
      item: { names: itemNames(config.ITEM_ATTRIBUTES) ?? defaultItemNames, cancelledStatus: config.CANCELLED_STATUS },
      now: Date.now,
    });
  },
});
