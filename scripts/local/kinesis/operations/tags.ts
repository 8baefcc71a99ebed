import { type Input, integerIn, required, textIn, together } from '../protocol/input.ts';
import { type Call, noBody, type Operation, streamByArn, streamOf, streamReferenceIn } from './call.ts';
import { consumerByArn } from './consumers.ts';
import { assertActive } from './status.ts';
import { addTags, maxKeyLength, maxTags, removeTags, type Tagged, type Tags, tagKeysIn, tagsIn } from './tag-rules.ts';

const resourceArnPattern = /^arn:aws.*:kinesis:.*:\d{12}:.*stream\/\S+$/;

export const addTagsToStream: Operation = (call) => {
  const { tags } = together({
    tags: () => required(tagsIn(call.input), 'Tags'),
    stream: () => streamReferenceIn(call.input),
  });
  addTags(taggedStream(call), tags);
  return noBody;
};

export const removeTagsFromStream: Operation = (call) => {
  const { keys } = together({ keys: () => tagKeysIn(call.input), stream: () => streamReferenceIn(call.input) });
  removeTags(taggedStream(call), keys);
  return noBody;
};

export const listTagsForStream: Operation = (call) => {
  const { input, codec } = call;
  const { after, limit } = together({
    after: () => textIn(input, 'ExclusiveStartTagKey', { max: maxKeyLength }),
    limit: () => integerIn(input, 'Limit', 1, maxTags),
    stream: () => streamReferenceIn(input),
  });
  const rest = shapesOf(streamOf(call).tags).filter(({ Key }) => Key > (after ?? ''));
  const page = rest.slice(0, limit ?? maxTags);
  return codec.encode({ Tags: page, HasMoreTags: rest.length > page.length });
};

export const tagResource: Operation = (call) => {
  const { arn, tags } = together({ tags: () => required(tagsIn(call.input), 'Tags'), arn: () => resourceArnIn(call.input) });
  addTags(taggedResource(call, arn), tags);
  return noBody;
};

export const untagResource: Operation = (call) => {
  const { arn, keys } = together({ keys: () => tagKeysIn(call.input), arn: () => resourceArnIn(call.input) });
  removeTags(taggedResource(call, arn), keys);
  return noBody;
};

export const listTagsForResource: Operation = (call) =>
  call.codec.encode({ Tags: shapesOf(taggedResource(call, resourceArnIn(call.input)).tags) });

function taggedStream(call: Call): Tagged {
  const stream = streamOf(call);
  assertActive(stream, call.store);
  return { tags: stream.tags, title: `stream ${stream.name} under account ${call.store.accountId}` };
}

const resourceArnIn = (input: Input): string =>
  required(textIn(input, 'ResourceARN', { max: 2_048, pattern: resourceArnPattern }), 'ResourceARN');

function taggedResource({ store }: Call, arn: string): Tagged {
  if (arn.includes('/consumer/')) {
    const { consumer } = consumerByArn(arn, store);
    return { tags: consumer.tags, title: `consumer ${consumer.name} under account ${store.accountId}` };
  }
  const stream = streamByArn(arn, undefined, store);
  return { tags: stream.tags, title: `stream ${stream.name} under account ${store.accountId}` };
}

const shapesOf = (tags: Tags) => [...tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([Key, Value]) => ({ Key, Value }));
