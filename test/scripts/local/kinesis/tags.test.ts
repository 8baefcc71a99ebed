import assert from 'node:assert/strict';
import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  ListTagsForResourceCommand,
  ListTagsForStreamCommand,
  RegisterStreamConsumerCommand,
  RemoveTagsFromStreamCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, Rig } from './rig.ts';

const StreamName = 's';
const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
const numbered = (count: number, from = 0): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${String(from + i).padStart(3, '0')}`, 'v']));

describe('local Kinesis: tags', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start({ limits: false });
    await rig.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1, Tags: { team: 'tours', empty: '' } }));
  });
  afterEach(() => rig.stop());

  const add = (Tags: Record<string, string>) => rig.client.send(new AddTagsToStreamCommand({ StreamName, Tags }));
  const remove = (TagKeys: string[]) => rig.client.send(new RemoveTagsFromStreamCommand({ StreamName, TagKeys }));
  const list = (input: { Limit?: number; ExclusiveStartTagKey?: string } = {}) =>
    rig.client.send(new ListTagsForStreamCommand({ StreamName, ...input }));
  const tags = async () => Object.fromEntries(((await list()).Tags ?? []).map(({ Key, Value }) => [Key, Value]));

  it('are kept from CreateStream on, added, replaced and removed', async () => {
    assert.deepEqual(await tags(), { empty: '', team: 'tours' });
    await add({ team: 'fraud', 'Größe _./=+-@': 'два' });
    assert.deepEqual(await tags(), { empty: '', team: 'fraud', 'Größe _./=+-@': 'два' });
    await remove(['team', 'there is none']);
    assert.deepEqual(await tags(), { empty: '', 'Größe _./=+-@': 'два' });
  });

  it('come in pages in order of their keys', async () => {
    await remove(['team', 'empty']);
    await add({ b: '2', d: '4', a: '1', c: '3' });
    const page = async (input: Parameters<typeof list>[0]) => {
      const { Tags, HasMoreTags } = await list(input);
      return [Tags?.map(({ Key }) => Key).join(''), HasMoreTags];
    };
    assert.deepEqual(await page({ Limit: 3 }), ['abc', true]);
    assert.deepEqual(await page({ Limit: 3, ExclusiveStartTagKey: 'c' }), ['d', false]);
    assert.deepEqual(await page({ Limit: 4 }), ['abcd', false]);
    assert.deepEqual(await page({ ExclusiveStartTagKey: 'bb' }), ['cd', false]);
    await assert.rejects(list({ Limit: 51 }), awsError('ValidationException', /'limit'.*less than or equal to 50/));
  });

  it('are 50 at most, those that are replaced not counted twice', async () => {
    await add(numbered(48));
    await assert.rejects(add({ more: 'x' }), awsError('InvalidArgumentException', /more than 50 tags/));
    assert.equal((await list()).Tags?.length, 50);
    await add({ ...numbered(48), team: 'x' });
    await remove(['team']);
    await add({ more: 'x' });
  });

  it('have keys of 1 to 128 and values of up to 256 letters, digits, spaces and a few signs', async () => {
    await add({ ['k'.repeat(128)]: 'v'.repeat(256) });
    for (const [given, error, message] of [
      [{}, 'ValidationException', /Value '\{\}' at 'tags' .* greater than or equal to 1$/],
      [numbered(201), 'ValidationException', /'tags' .* less than or equal to 200$/],
      [
        { ['k'.repeat(129)]: 'v' },
        'ValidationException',
        /Map keys must satisfy constraint: \[Member must have length less than or equal to 128,/,
      ],
      [
        { k: 'v'.repeat(257) },
        'ValidationException',
        /Map value must satisfy constraint: \[Member must have length less than or equal to 256,/,
      ],
      [{ 'a;b': 'v' }, 'InvalidArgumentException', /^Some tags contain invalid characters/],
      [{ a: 'b\tc' }, 'InvalidArgumentException', /^Some tags contain invalid characters/],
      [{ 'a%': 'v' }, 'InvalidArgumentException', /^Failed to add tags to stream s .* illegal characters/],
      [{ 'aws:owner': 'v' }, 'InvalidArgumentException', /reserved/],
    ] as const) {
      await assert.rejects(add(given), awsError(error, message), JSON.stringify(given).slice(0, 40));
      const create = new CreateStreamCommand({ StreamName: 'other', ShardCount: 1, Tags: given });
      await assert.rejects(rig.client.send(create), awsError(error), JSON.stringify(given).slice(0, 40));
    }
    await assert.rejects(remove([]), awsError('ValidationException', /'tagKeys'/));
    await assert.rejects(remove(['']), awsError('ValidationException', /'tagKeys'/));
    assert.equal((await list()).Tags?.length, 3);
  });

  it('are those of the resource: a stream by its ARN, or a consumer', async () => {
    const register = new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c', Tags: { from: 'start' } });
    const consumer = (await rig.client.send(register)).Consumer?.ConsumerARN ?? '';
    for (const [ResourceARN, before] of [
      [StreamARN, ['empty', 'team']],
      [consumer, ['from']],
    ] as const) {
      const keys = async () => ((await rig.client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags ?? []).map(({ Key }) => Key);
      assert.deepEqual(await keys(), before);
      await rig.client.send(new TagResourceCommand({ ResourceARN, Tags: { zone: 'x' } }));
      assert.deepEqual(await keys(), [...before, 'zone']);
      await rig.client.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['zone'] }));
      assert.deepEqual(await keys(), before);
    }
    const elsewhere = { ResourceARN: `${StreamARN}x`, Tags: { a: 'b' } };
    await assert.rejects(rig.client.send(new TagResourceCommand(elsewhere)), awsError('ResourceNotFoundException'));
  });
});
