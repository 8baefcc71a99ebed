import assert from 'node:assert/strict';
import { itemNames } from '../../../services/event-router/item-attributes.ts';
import { eventRouter } from '../../../services/event-router/service.ts';
import { defaultItemNames } from '../../../services/lib/events/change-record-codec.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';

const environment = { AWS_REGION: 'us-east-1', OBJECTS_URL: 'file:///objects' };
const attributes = (json: string | undefined) =>
  itemNames(loadConfig(eventRouter.config, { ...environment, ITEM_ATTRIBUTES: json }).ITEM_ATTRIBUTES);

describe("event router's configuration", () => {
  it('names the attributes of the booking table, each by its default unless told', () => {
    assert.deepEqual(attributes(undefined), defaultItemNames);
    assert.deepEqual(attributes('{"userId":"customer_id"}'), { ...defaultItemNames, userId: 'customer_id' });
  });

  it('refuses names that it does not know, that are no text, or that two fields share', () => {
    for (const json of ['x', '[]', '{"user":"x"}', '{"userId":1}', '{"userId":""}', '{"userId":"tourId"}']) {
      assert.throws(() => attributes(json), /ITEM_ATTRIBUTES.*expected JSON such as/, json);
    }
  });
});
