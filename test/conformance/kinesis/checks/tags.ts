import assert from 'node:assert/strict';
import { AddTagsToStreamCommand, ListTagsForStreamCommand, RemoveTagsFromStreamCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';

const numbered = (from: number, to: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`key${String(from + i).padStart(2, '0')}`, String(i)]));

async function tagsOf(context: Context, StreamName: string): Promise<Record<string, string>> {
  const tags: Record<string, string> = {};
  let after: string | undefined;
  do {
    const answer = await context.send(
      new ListTagsForStreamCommand({ StreamName, ...(after === undefined ? {} : { ExclusiveStartTagKey: after }) }),
    );
    for (const { Key = '', Value = '' } of answer.Tags ?? []) tags[Key] = Value;
    after = answer.HasMoreTags ? answer.Tags?.at(-1)?.Key : undefined;
  } while (after !== undefined);
  return tags;
}

export const tagChecks: readonly Check[] = [
  {
    id: 'ListTagsForStream: a stream has no tags at first',
    cites: 'ListTagsForStream: "Lists the tags for the specified Kinesis data stream"',
    async run(context) {
      const { Tags, HasMoreTags } = await context.send(new ListTagsForStreamCommand({ StreamName: (await context.shared()).name }));
      assert.deepEqual([Tags, HasMoreTags], [[], false]);
    },
  },
  {
    id: 'AddTagsToStream: tags are added to those there are, and overwritten by key',
    cites: 'AddTagsToStream: "overwrites any existing tags that correspond to the specified tag keys"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: { a: '1', b: '2' } }));
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: { b: '3', c: '4' } }));
      assert.deepEqual(await tagsOf(context, name), { a: '1', b: '3', c: '4' });
    },
  },
  {
    id: 'AddTagsToStream: takes StreamARN instead of StreamName',
    cites: 'AddTagsToStream: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { name, arn } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamARN: arn, Tags: { a: '1' } }));
      assert.deepEqual(await tagsOf(context, name), { a: '1' });
    },
  },
  {
    id: 'AddTagsToStream: 50 tags are taken, a 51st is refused',
    cites: 'AddTagsToStream: "You can assign up to 50 tags to a data stream"',
    async run(context) {
      const { name } = await context.stream();
      for (let from = 0; from < 50; from += 10) {
        await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: numbered(from, from + 10) }));
      }
      const command = new AddTagsToStreamCommand({ StreamName: name, Tags: { another: 'one' } });
      await context.refused(command, 'InvalidArgumentException');
      assert.equal(Object.keys(await tagsOf(context, name)).length, 50);
    },
  },
  {
    id: 'AddTagsToStream: no tags are refused with ValidationException',
    cites: 'AddTagsToStream, Tags: "Map Entries: Minimum number of 1 item"',
    async run(context) {
      const { name } = await context.shared();
      await context.refused(new AddTagsToStreamCommand({ StreamName: name, Tags: {} }), 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'AddTagsToStream: a key of 129 characters is refused with ValidationException',
    cites: 'Tag, Key: "Maximum length: 128 characters"',
    async run(context) {
      const { name } = await context.stream();
      const command = new AddTagsToStreamCommand({ StreamName: name, Tags: { ['k'.repeat(129)]: 'v' } });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'AddTagsToStream: a value of 257 characters is refused with ValidationException',
    cites: 'Tag, Value: "Maximum length: 256 characters"',
    async run(context) {
      const { name } = await context.stream();
      const command = new AddTagsToStreamCommand({ StreamName: name, Tags: { k: 'v'.repeat(257) } });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'AddTagsToStream: a key with a character that is not allowed is refused with InvalidArgumentException',
    cites: 'Tag, Key: "Valid characters: Unicode letters, digits, white space, _ . / = + - % @"',
    async run(context) {
      const { name } = await context.stream();
      await context.refused(new AddTagsToStreamCommand({ StreamName: name, Tags: { 'a;b': 'v' } }), 'InvalidArgumentException');
    },
  },
  {
    id: 'AddTagsToStream: an empty value is taken',
    cites: 'Tag, Value: "An optional string"; "Length Constraints: Minimum length of 0"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: { a: '' } }));
      assert.deepEqual(await tagsOf(context, name), { a: '' });
    },
  },
  {
    id: 'ListTagsForStream: Limit and ExclusiveStartTagKey walk the tags, HasMoreTags says when to go on',
    cites: 'ListTagsForStream, Limit: "To list additional tags, set ExclusiveStartTagKey to the last key in the response"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: numbered(0, 3) }));
      const one = await context.send(new ListTagsForStreamCommand({ StreamName: name, Limit: 2 }));
      assert.deepEqual([one.Tags?.length, one.HasMoreTags], [2, true]);
      const two = await context.send(
        new ListTagsForStreamCommand({ StreamName: name, Limit: 2, ExclusiveStartTagKey: one.Tags?.at(-1)?.Key }),
      );
      assert.deepEqual([two.Tags?.length, two.HasMoreTags], [1, false]);
    },
  },
  {
    id: 'ListTagsForStream: Limit 0 is refused with ValidationException',
    cites: 'ListTagsForStream, Limit: "Valid Range: Minimum value of 1. Maximum value of 50"',
    async run(context) {
      const { name } = await context.shared();
      await context.refused(new ListTagsForStreamCommand({ StreamName: name, Limit: 0 }), 'ValidationException');
    },
  },
  {
    id: 'RemoveTagsFromStream: removes the tags named; one that is not there is ignored',
    cites: 'RemoveTagsFromStream: "If you specify a tag that does not exist, it is ignored"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new AddTagsToStreamCommand({ StreamName: name, Tags: { a: '1', b: '2' } }));
      await context.send(new RemoveTagsFromStreamCommand({ StreamName: name, TagKeys: ['a', 'absent'] }));
      assert.deepEqual(await tagsOf(context, name), { b: '2' });
    },
  },
  {
    id: 'RemoveTagsFromStream: no keys are refused with ValidationException',
    cites: 'RemoveTagsFromStream, TagKeys: "Array Members: Minimum number of 1 item"',
    async run(context) {
      const { name } = await context.shared();
      await context.refused(new RemoveTagsFromStreamCommand({ StreamName: name, TagKeys: [] }), 'ValidationException');
    },
  },
];
