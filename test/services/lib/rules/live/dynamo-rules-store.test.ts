import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { AttributeValue, DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { isPlatformError } from '../../../../../services/lib/process/errors.ts';
import { DynamoRulesStore } from '../../../../../services/lib/rules/live/dynamo-rules-store.ts';
import { firstPointer, type RulesPointer, schemaOf, withGeneration } from '../../../../../services/lib/rules/live/pointer.ts';
import type { RulesAudit } from '../../../../../services/lib/rules/live/rules-store.ts';

const unused = () => assert.fail('no object is asked for');
const objects = { create: unused, read: unused, head: unused, delete: unused, list: () => Readable.from([]) };
const audit: RulesAudit = { at: 0, by: 'tester', action: 'publish', details: {} };
const publication = { hash: 'a'.repeat(64), now: 1, by: 'tester' };
const pointer: RulesPointer = withGeneration(firstPointer(publication), { ...publication, schema: 2 });

const storeOver = (send: (command: GetItemCommand | TransactWriteItemsCommand) => Promise<unknown>): DynamoRulesStore =>
  new DynamoRulesStore({ send } as unknown as DynamoDBClient, 'rules-here', objects);
const failing = (name: string, httpStatusCode: number) =>
  storeOver(() => Promise.reject(Object.assign(new Error(), { name, $metadata: { httpStatusCode } })));

describe('the rules pointer in DynamoDB', () => {
  it('comes back with its schema versions; an item from before there were any is read as the first', async () => {
    let item: Record<string, AttributeValue> = {};
    const store = storeOver(async ({ input }) => {
      if ('TransactItems' in input) item = input.TransactItems?.[0]?.Put?.Item ?? {};
      return { Item: item };
    });
    assert.equal(await store.writePointer(pointer, audit), 'written');
    assert.deepEqual(await store.readPointer(), pointer);
    for (const { M } of item['generations']?.L ?? []) delete M?.['schema'];
    assert.deepEqual((await store.readPointer())?.generations.map(schemaOf), [1, 1]);
  });

  it('tells what may pass from what does not, and for that which right it needs', async () => {
    for (const passing of [failing('InternalServerError', 500), failing('ThrottlingException', 400)]) {
      await assert.rejects(passing.readPointer(), (error) => isPlatformError(error, 'TABLE_UNAVAILABLE') && error.retriable);
    }
    for (const name of ['AccessDeniedException', 'ResourceNotFoundException']) {
      const store = failing(name, 400);
      for (const [call, right] of [
        [() => store.readPointer(), 'dynamodb:GetItem'],
        [() => store.writePointer(pointer, audit), 'dynamodb:PutItem'],
      ] as const) {
        await assert.rejects(
          call(),
          (error) =>
            isPlatformError(error, 'TABLE_UNAVAILABLE') &&
            !error.retriable &&
            error.message.includes(name) &&
            error.message.includes(right),
        );
      }
    }
  });
});
