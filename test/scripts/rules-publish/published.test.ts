import assert from 'node:assert/strict';
import type { AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { referencedGenerations } from '../../../scripts/rules-publish/published.ts';
import { position } from '../../../services/lib/kcl/position.ts';
import type { SnapshotRef } from '../../../services/lib/state/state-row.ts';
import { changeOf } from '../../../services/lib/state/state-row-item.ts';

type Item = Record<string, AttributeValue>;

const snapshot = (generation: number): SnapshotRef => ({ epoch: 1, position: position('7'), generation, parts: 1, bytes: 9, writtenAt: 1 });

/** As the state table holds it. */
function row(current: number, previous: number): Item {
  const { values } = changeOf({ current: snapshot(current), previous: snapshot(previous) });
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(1), value]));
}

describe('the generations that snapshots need', () => {
  it('are those of both snapshots of every shard, on all pages, but not of one whose snapshots are gone', async () => {
    const pages: readonly Item[][] = [
      [{ ...row(2, 1), retired: { BOOL: true } }, row(5, 4)],
      [{ epoch: { N: '3' } }, row(6, 5)],
    ];
    const send = async ({ input }: ScanCommand) => {
      const page = Number(input.ExclusiveStartKey?.['page']?.N ?? 0);
      return { Items: pages[page], ...(page + 1 < pages.length && { LastEvaluatedKey: { page: { N: String(page + 1) } } }) };
    };
    const found = await referencedGenerations({ dynamo: { send } as unknown as DynamoDBClient }, 'shard-state');
    assert.deepEqual(found, new Set([5, 4, 6]));
  });
});
