import assert from 'node:assert/strict';
import {
  AddTagsToStreamCommand,
  ListTagsForResourceCommand,
  ListTagsForStreamCommand,
  RegisterStreamConsumerCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { activeConsumer } from '../subscription.ts';

async function tagsOf(context: Context, ResourceARN: string): Promise<Record<string, string>> {
  const { Tags = [] } = await context.send(new ListTagsForResourceCommand({ ResourceARN }));
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Tags by ARN, of streams and of consumers. */
export const resourceTagChecks: readonly Check[] = [
  {
    id: 'TagResource: tags of a stream are those of AddTagsToStream',
    cites: 'TagResource: "Adds or updates tags for the specified Kinesis resource"',
    async run(context) {
      const { name, arn } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: { a: '1' } }));
      await context.send(new TagResourceCommand({ ResourceARN: arn, Tags: { b: '2' } }));
      assert.deepEqual(await tagsOf(context, arn), { a: '1', b: '2' });
      const { Tags } = await context.send(new ListTagsForStreamCommand({ StreamName: name }));
      assert.equal(Tags?.length, 2);
    },
  },
  {
    id: 'TagResource: a consumer has tags of its own',
    cites: 'TagResource: "Each resource can have up to 50 tags"; ResourceARN of a stream or consumer',
    async run(context) {
      const { arn } = await context.stream();
      const consumer = await activeConsumer(context, arn);
      await context.send(new TagResourceCommand({ ResourceARN: consumer, Tags: { a: '1' } }));
      assert.deepEqual([await tagsOf(context, consumer), await tagsOf(context, arn)], [{ a: '1' }, {}]);
    },
  },
  {
    id: 'RegisterStreamConsumer: Tags are on the consumer',
    cites: 'RegisterStreamConsumer: "Tags will take effect from the CREATING status of the consumer"',
    async run(context) {
      const { arn } = await context.stream();
      const command = new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: 'c', Tags: { a: '1' } });
      const { Consumer } = await context.send(command);
      assert.deepEqual(await tagsOf(context, Consumer?.ConsumerARN ?? ''), { a: '1' });
    },
  },
  {
    id: 'UntagResource: removes the keys named',
    cites: 'UntagResource: "Removes tags from the specified Kinesis resource"',
    async run(context) {
      const { arn } = await context.stream();
      await context.send(new TagResourceCommand({ ResourceARN: arn, Tags: { a: '1', b: '2' } }));
      await context.send(new UntagResourceCommand({ ResourceARN: arn, TagKeys: ['a'] }));
      assert.deepEqual(await tagsOf(context, arn), { b: '2' });
    },
  },
  {
    id: 'TagResource: a stream that is not there is refused with ResourceNotFoundException',
    cites: 'TagResource, Errors: ResourceNotFoundException',
    async run(context) {
      const { name, arn } = await context.shared();
      const command = new TagResourceCommand({ ResourceARN: arn.replace(name, context.name()), Tags: { a: '1' } });
      await context.refused(command, 'ResourceNotFoundException');
    },
  },
];
