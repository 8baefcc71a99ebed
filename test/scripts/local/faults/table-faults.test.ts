import assert from 'node:assert/strict';
import { namesTable, TableFaults, tableFaultKinds } from '../../../../scripts/local/faults/table-faults.ts';

describe('which calls name a table', () => {
  const names = (request: unknown): boolean => namesTable(JSON.stringify(request), 'fraud-alerts');

  it('finds it at the top, in any part of a transaction, in a batch, and as an ARN', () => {
    assert.ok(names({ TableName: 'fraud-alerts', Item: {} }));
    assert.ok(names({ TransactItems: [{ ConditionCheck: { TableName: 'shard-state' } }, { Put: { TableName: 'fraud-alerts' } }] }));
    assert.ok(names({ RequestItems: { 'fraud-alerts': [] } }));
    assert.ok(names({ TableName: 'arn:aws:dynamodb:us-east-1:000000000000:table/fraud-alerts' }));
  });

  it('finds it nowhere else: not in another name, not in data', () => {
    assert.ok(!names({ TableName: 'fraud-alerts-old' }));
    assert.ok(!names({ TableName: 'leases', Item: { TableNames: { S: 'fraud-alerts' }, name: { S: 'fraud-alerts' } } }));
    assert.ok(!namesTable('no request', 'fraud-alerts'));
  });
});

describe('faults of a table', () => {
  const call = JSON.stringify({ TableName: 'a' });

  it('strike each call that names it while they are set, and count', () => {
    const faults = new TableFaults(7);
    assert.deepEqual([faults.fateOf(call), faults.active], [undefined, false]);
    faults.set({ table: 'a', kinds: ['throttle'] });
    assert.deepEqual(
      [faults.fateOf(call), faults.fateOf(call), faults.fateOf('{"TableName":"b"}'), faults.struck],
      ['throttle', 'throttle', undefined, 2],
    );
    faults.set(undefined);
    assert.deepEqual([faults.fateOf(call), faults.struck], [undefined, 2]);
  });

  it('are the same for the same seed, and of every kind that was asked for', () => {
    const draw = (seed: number): (string | undefined)[] => {
      const faults = new TableFaults(seed);
      faults.set({ table: 'a', kinds: tableFaultKinds });
      return Array.from({ length: 40 }, () => faults.fateOf(call));
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.deepEqual(new Set(draw(7)), new Set(tableFaultKinds));
  });
});
