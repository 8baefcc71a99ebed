import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Fault, faultableOperations, maxFaults } from '../../../../../scripts/local/kinesis/faults/fault-schema.ts';
import { type Fate, Faults, FaultsRefused } from '../../../../../scripts/local/kinesis/faults/faults.ts';
import { Subject } from '../../../../../scripts/local/kinesis/faults/subject.ts';
import { operations } from '../../../../../scripts/local/kinesis/operations/index.ts';
import { Tokens } from '../../../../../scripts/local/kinesis/protocol/tokens.ts';
import { Clock } from '../../../../../scripts/local/kinesis/store/clock.ts';
import { Store } from '../../../../../scripts/local/kinesis/store/store.ts';
import { startMs } from '../rig.ts';

const clock = new Clock(() => startMs);
const store = new Store({ accountId: '000000000000', region: 'us-east-1', maxBytes: 16_777_216, clock, onTrim: () => {} });
const tokens = new Tokens();
const request = (operation: string, stream = 'orders'): Subject => new Subject(operation, { StreamName: stream }, { store, tokens });
const shown = ({ error, ...rest }: Fate) => ({ ...rest, error: error?.code });

const weights = { probability: fc.double({ min: 0.05, max: 1 }), after: fc.nat(5), times: fc.integer({ min: 1, max: 20 }) };
const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constantFrom('throttle', 'error', 'reset', 'lost'), ...weights }, { requiredKeys: ['kind'] }),
  fc.record(
    { kind: fc.constant('slow'), delayMs: fc.integer({ min: 1, max: 999 }), jitterMs: fc.nat(99), ...weights },
    { requiredKeys: ['kind', 'delayMs'] },
  ),
) as fc.Arbitrary<Fault>;

describe('local Kinesis: the faults of a server', () => {
  it('meet the same requests alike with the same seed', () => {
    const requests = fc.array(fc.constantFrom('PutRecords', 'ListShards', 'CreateStream'), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(anyFault, { maxLength: 5 }), requests, fc.nat(), (faults, operations, seed) => {
        const runs = [0, 1].map(() => {
          const server = new Faults(clock, seed);
          server.set(faults);
          return [operations.map((operation) => shown(server.fateOf(request(operation)))), server.list()];
        });
        assert.deepEqual(runs[0], runs[1]);
      }),
    );
  });

  it('draw otherwise with another seed or another id, and strike the share they are told', () => {
    const struck = (seed: number, id: string): string => {
      const server = new Faults(clock, seed);
      server.set([{ kind: 'reset', probability: 0.25, id }]);
      return Array.from({ length: 4_000 }, () => (server.fateOf(request('PutRecords')).reset ? 1 : 0)).join('');
    };
    const runs = [struck(1, 'a'), struck(2, 'a'), struck(1, 'b')];
    assert.equal(new Set(runs).size, 3);
    for (const run of runs) {
      const share = run.replaceAll('0', '').length / run.length;
      assert.ok(share > 0.22 && share < 0.28, String(share));
    }
  });

  it('draw for each entry of a PutRecords, whichever of them fails it', () => {
    const failuresOf = (...faults: Fault[]): (string | undefined)[] => {
      const server = new Faults(clock, 7);
      server.set(faults);
      const failureOf = server.entryFailures(request('PutRecords'));
      return Array.from({ length: 200 }, () => failureOf?.('shardId-000000000000'));
    };
    const throttled: Fault = { kind: 'partial', id: 'throttled', share: 0.3 };
    const failed: Fault = { kind: 'partial', id: 'failed', share: 0.3, code: 'InternalFailure' };
    const [first, second] = [failuresOf(throttled), failuresOf(failed)];
    assert.deepEqual(
      failuresOf(throttled, failed),
      first.map((failure, i) => failure ?? second[i]),
    );
  });

  it('do not change the draws of one another, but for those hidden behind a refusal', () => {
    const alone = new Faults(clock, 7);
    const together = new Faults(clock, 7);
    const slow: Fault = { kind: 'slow', id: 'slow', delayMs: 5, probability: 0.5 };
    alone.set([slow]);
    together.set([slow, { kind: 'lost', probability: 0.5 }, { kind: 'error', probability: 0.2 }]);
    for (let i = 0; i < 200; i++) {
      assert.equal(together.fateOf(request('PutRecords')).delayMs, alone.fateOf(request('PutRecords')).delayMs);
    }
    const hidden = new Faults(clock);
    hidden.set([{ kind: 'error', times: 1 }, { kind: 'lost' }]);
    assert.equal(shown(hidden.fateOf(request('PutRecords'))).error, 'InternalFailure');
    assert.deepEqual(
      hidden.list().map(({ considered }) => considered),
      [1, 0],
    );
    assert.equal(hidden.fateOf(request('PutRecords')).lost, 'drop');
  });

  it('spare the first, end after so many, and count both', () => {
    const server = new Faults(clock);
    server.set([{ kind: 'reset', after: 2, times: 3 }]);
    const fates = Array.from({ length: 8 }, () => server.fateOf(request('PutRecords')).reset === true);
    assert.deepEqual(fates, [false, false, true, true, true, false, false, false]);
    assert.deepEqual(
      server.list().map(({ considered, applied, state }) => [considered, applied, state]),
      [[5, 3, 'over']],
    );
  });

  it('begin and end by the clock', () => {
    const moved = new Clock(() => startMs);
    const server = new Faults(moved);
    server.set([{ kind: 'reset', fromMs: 1_000, forMs: 2_000 }]);
    const seen = [0, 999, 1, 1_999, 1].map((ms) => {
      moved.advance(ms);
      return [server.list()[0]?.state, server.fateOf(request('PutRecords')).reset === true];
    });
    assert.deepEqual(seen, [
      ['waiting', false],
      ['waiting', false],
      ['active', true],
      ['active', true],
      ['over', false],
    ]);
  });

  it('are set all or none: ids are unique, and there are so many at most', () => {
    const server = new Faults(clock);
    assert.deepEqual(server.set([{ kind: 'reset', id: 'f2' }, { kind: 'reset' }, { kind: 'reset' }]), ['f2', 'f1', 'f3']);
    assert.throws(
      () =>
        server.set([
          { kind: 'reset', id: 'x' },
          { kind: 'reset', id: 'x' },
        ]),
      FaultsRefused,
    );
    assert.throws(() => server.set([{ kind: 'reset' }, { kind: 'reset', id: 'f1' }]), FaultsRefused);
    assert.equal(server.list().length, 3);
    server.set(Array.from({ length: maxFaults - 3 }, () => ({ kind: 'reset' as const })));
    assert.throws(() => server.set([{ kind: 'reset' }]), FaultsRefused);
    assert.deepEqual(
      server.remove('f3').map(({ id }) => id),
      ['f3'],
    );
    assert.equal(server.remove().length, maxFaults - 1);
  });

  it('look at the records of a put once, and at no more than a put may have', () => {
    const stream = store.create('many', 'PROVISIONED', 2);
    const Records = Array.from({ length: 501 }, (_, i) => ({ PartitionKey: String(i) }));
    const put = new Subject('PutRecords', { StreamName: 'many', Records }, { store, tokens });
    const counts = put.records();
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      500,
    );
    assert.deepEqual(
      [...counts.keys()].map(({ id }) => id).sort(),
      stream.shards.map(({ id }) => id),
    );
    assert.equal(put.records(), counts);
  });

  it('can be for every operation that is served', () => {
    assert.deepEqual([...operations.keys()].sort(), [...faultableOperations].sort());
  });
});
