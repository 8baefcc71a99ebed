import assert from 'node:assert/strict';
import { naiveAlerts, type OracleGeneration, type OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { compileRules } from '../../../services/lib/rules/compile.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { bookingEvent, type RuleSpec, rule, start, wholeRange } from '../../oracle/scenario.ts';
import { always, FraudRig } from './fraud-rig.ts';

const time = { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' };
const fileOf = (...specs: RuleSpec[]): RulesFile => ({ time, rules: specs.map(rule) });
const twice = fileOf({ id: 'churn', count: { atLeast: 2, within: 'PT10M' }, action: 'lock' });
const each = (id: string, of: Partial<RuleSpec> = {}): RuleSpec => ({ id, count: { atLeast: 1, within: 'PT0S' }, ...of });

let bookings = 0;
const cancelled = (ms: number, userId = 'user-1') => ({
  event: bookingEvent({ bookingId: `b-${bookings++}`, occurredAt: start + ms, userId }),
  arrival: start + ms + 40,
});

const shardOf = (records: OracleShard['records'], of: Partial<OracleShard> = {}): OracleShard => ({
  shardId: 'shard',
  parents: [],
  range: wholeRange,
  records,
  ...of,
});

const rigOf = (records: OracleShard['records'], generations: readonly OracleGeneration[] = always(twice)): FraudRig =>
  new FraudRig([shardOf(records)], generations);

const rulesOf = (rig: FraudRig) =>
  [...rig.stored.values()].map(({ alert }) => `${alert.ruleId}/${alert.ruleVersion} at ${alert.at - start}`);

describe('the fraud model', () => {
  it('stores and publishes every alert of a batch, however many, with what the rule says and when', async () => {
    const rig = rigOf(
      Array.from({ length: 60 }, (_, i) => cancelled(i, `user-${i}`)),
      always(fileOf(each('one', { action: 'lock' }))),
    );
    rig.now = start + 500;
    await rig.delivered();
    assert.deepEqual([rig.stored.size, new Set(rig.published).size, rig.puts.length], [60, 60, 1]);
    const [first] = rig.stored.values();
    assert.deepEqual([first?.action, first?.raisedAt, first?.arrivedAt, first?.warming], ['lock', start + 500, start + 40, undefined]);
  });

  it('stores shadow alerts and publishes live ones only', async () => {
    const rig = rigOf([cancelled(0), cancelled(1_000)], always(fileOf(each('loud'), each('quiet', { mode: 'shadow' }))));
    await rig.delivered();
    assert.deepEqual(rulesOf(rig), ['loud/1 at 0', 'quiet/1 at 0', 'loud/1 at 1000', 'quiet/1 at 1000']);
    const live = [...rig.stored.values()].filter(({ alert }) => alert.mode === 'live').map(({ alert }) => alert.alertId);
    assert.deepEqual(rig.published, live);
    assert.deepEqual(
      [rig.counter('alerts_raised', { rule: 'loud', mode: 'live' }), rig.counter('alerts_raised', { rule: 'quiet', mode: 'shadow' })],
      [2, 2],
    );
  });

  it('publishes again what a crash may have kept from being published, and counts it once', async () => {
    const rig = rigOf([cancelled(0), cancelled(1)]);
    (await rig.delivered()).kill();
    rig.published.length = 0;
    await rig.delivered();
    assert.deepEqual([rig.published.length, rig.counter('alerts_raised', { rule: 'churn', mode: 'live' })], [1, 1]);
  });

  it('counts what it does not use by reason, bad records included, and goes on', async () => {
    const first = cancelled(0);
    const rig = rigOf([first, first, cancelled(3_600_000), first, cancelled(0), cancelled(1), cancelled(2)]);
    const records = rig.stream.records.get('shard') ?? [];
    const spoil = (i: number, of: object): void => void Object.assign(records[i] ?? {}, of);
    spoil(2, { approximateArrivalTimestamp: start });
    spoil(4, { data: Buffer.from('{"schemaVersion":1}') });
    spoil(5, { partitionKey: 'somebody-else' });
    const process = await rig.delivered();
    for (const [reason, count] of Object.entries({ duplicate: 2, future: 1, invalid: 2 })) {
      assert.equal(rig.counter('events_skipped', { reason }), count, reason);
    }
    assert.deepEqual([rig.counter('events_applied'), rig.stored.size, rig.sweeps, rig.keys('deadletter/')], [2, 1, 1, []]);
    await process.deliver(0);
    assert.equal(rig.counter('events_applied'), 2, 'each once');
  });

  it('dead-letters a record that makes a rule throw, with its stack, and has the state as before', async () => {
    const records = [cancelled(0), cancelled(1, 'user-2'), cancelled(2), cancelled(3, 'user-2'), cancelled(4, 'user-2')];
    const rig = rigOf(records);
    const broken = records[3]?.event.eventId;
    rig.compile = ({ rules }) => {
      const compiled = compileRules(rules);
      const matches = (event: Parameters<(typeof compiled.rules)[number]['matches']>[0]): boolean => {
        if (event.eventId === broken) throw new RangeError('a broken rule');
        return compiled.rules[0]?.matches(event) ?? false;
      };
      return { ...compiled, rules: compiled.rules.map((one) => ({ ...one, matches })) };
    };
    await rig.delivered();
    const expected = naiveAlerts({ shards: [shardOf(records.toSpliced(3, 1))], rules: twice }).alerts;
    assert.deepEqual(
      [...rig.stored.values()].map(({ alert }) => alert),
      expected,
    );
    assert.equal(expected.length, 2);
    const [key = '', ...more] = rig.keys('deadletter/');
    assert.deepEqual([key, more], ['deadletter/test/stream/shard/101-0.json', []]);
    assert.match(String(rig.bodies.get(key)), /RangeError: a broken rule\\n +at .*matches/);
  });

  it('waits for the table before it takes more, and leaves no alert behind of a shard that is another’s', async () => {
    const rig = rigOf([cancelled(0), cancelled(1)]);
    const zombie = await rig.begin('shard');
    await rig.begin('shard', 'worker-2');
    await zombie.deliver();
    assert.deepEqual([rig.stored.size, rig.published, rig.counter('fenced')], [0, [], 1]);
  });

  describe('under rules that change', () => {
    const generations: OracleGeneration[] = [
      { generation: 1, activeFrom: 0, rules: fileOf(each('old')) },
      { generation: 2, activeFrom: start + 2_040, rules: fileOf(each('new')) },
      { generation: 3, activeFrom: start + 3_000, rules: { ...fileOf(each('newest')), time: { ...time, disorder: 'PT1S' } } },
    ];

    it('switches inside a batch, at the first record that arrived when they were in force', async () => {
      const rig = rigOf(
        [0, 1_000, 1_999, 2_000, 2_001].map((ms) => cancelled(ms)),
        generations.slice(0, 2),
      );
      await rig.delivered();
      assert.deepEqual(rulesOf(rig), ['old/1 at 0', 'old/1 at 1000', 'old/1 at 1999', 'new/1 at 2000', 'new/1 at 2001']);
      assert.deepEqual([rig.asked, rig.counter('rules_switched')], [[1, 2], 2]);
    });

    it('never goes back, though a record arrived before', async () => {
      const rig = rigOf([cancelled(2_000), cancelled(1_500, 'user-2'), cancelled(1_000, 'user-3')], generations.slice(0, 2));
      await rig.delivered();
      assert.deepEqual(
        rulesOf(rig).map((one) => one.slice(0, 3)),
        ['new', 'new', 'new'],
      );
    });

    it('passes over those that no record saw, with another time too', async () => {
      const rig = rigOf([cancelled(0), cancelled(5_000)], generations);
      await rig.delivered();
      assert.deepEqual(rulesOf(rig), ['old/1 at 0', 'newest/1 at 5000']);
      assert.deepEqual(rig.asked, [1, 3]);
    });

    it('goes on from a snapshot under the rules that it was written under', async () => {
      const rig = rigOf([cancelled(0), cancelled(2_000), cancelled(2_500)], generations.slice(0, 2));
      for (let life = 0; life < 3; life++) {
        const process = await rig.begin('shard');
        await process.deliver(1);
        await process.stop();
      }
      assert.deepEqual(rulesOf(rig), ['old/1 at 0', 'new/1 at 2000', 'new/1 at 2500']);
      assert.equal(rig.rows.row('shard')?.current?.generation, 2);
    });

    it('keeps of a snapshot what both rule sets know: a rule that stays keeps its memory, one that is new begins empty', async () => {
      const stays: RuleSpec = { id: 'stays', count: { atLeast: 2, within: 'PT10M' } };
      const sets: OracleGeneration[] = [
        { generation: 1, activeFrom: 0, rules: fileOf(stays, each('goes')) },
        { generation: 2, activeFrom: start + 1_000, rules: fileOf(stays, { ...stays, id: 'comes' }) },
      ];
      const rig = rigOf([cancelled(0), cancelled(1_000), cancelled(2_000)], sets);
      const first = await rig.begin('shard');
      await first.deliver(1);
      await first.stop();
      await rig.delivered();
      assert.deepEqual(rulesOf(rig), ['goes/1 at 0', 'stays/1 at 1000', 'stays/1 at 2000', 'comes/1 at 2000']);
      assert.deepEqual(
        [...rig.stored.values()].map(({ warming }) => warming === true),
        [false, false, false, true],
      );
    });

    it('marks a new rule’s alerts as warming until its span has passed', async () => {
      const sets: OracleGeneration[] = [
        { generation: 1, activeFrom: 0, rules: fileOf(each('old')) },
        { generation: 2, activeFrom: start + 1_000, rules: fileOf({ id: 'new', count: { atLeast: 1, within: 'PT10S' } }) },
      ];
      const rig = rigOf(
        [0, 1_000, 10_000, 10_001].map((ms) => cancelled(ms)),
        sets,
      );
      await rig.delivered();
      assert.deepEqual(
        [...rig.stored.values()].map(({ alert, warming }) => [alert.at - start, warming === true]),
        [
          [0, false],
          [1_000, true],
          [10_000, true],
          [10_001, false],
        ],
      );
    });
  });

  it('marks alerts as warming when history is missing, until the rules’ spans have passed, across a restart', async () => {
    const span = 600_000 + 300_000; // the rule's, and how far ahead of its arrival an event may be
    const rig = rigOf([cancelled(0), cancelled(1_000), cancelled(span + 41), cancelled(span + 42)]);
    rig.stream.untrimmed = false;
    const first = await rig.begin('shard');
    await first.stop(); // a snapshot before any record
    const second = await rig.begin('shard');
    await second.deliver(2);
    await second.stop();
    await rig.delivered();
    assert.deepEqual(
      [...rig.stored.values()].map(({ alert, warming }) => [alert.at - start, warming === true]),
      [
        [1_000, true],
        [span + 42, false],
      ],
    );
  });

  it('takes the newest rules of its parents', async () => {
    const cut = 2n ** 127n;
    const sets: OracleGeneration[] = [
      { generation: 1, activeFrom: 0, rules: fileOf(each('old')) },
      { generation: 2, activeFrom: start + 1_000, rules: fileOf(each('new')) },
    ];
    const rig = new FraudRig(
      [
        shardOf([cancelled(0, 'user-0')], { shardId: 'left', range: { start: 0n, end: cut - 1n } }),
        shardOf([cancelled(2_000, 'user-1')], { shardId: 'right', range: { start: cut, end: wholeRange.end } }),
        shardOf([cancelled(500, 'user-2')], { shardId: 'merged', parents: ['left', 'right'] }),
      ],
      sets,
    );
    for (const shardId of ['left', 'right']) await (await rig.delivered(shardId)).end();
    await rig.delivered('merged');
    assert.deepEqual(rulesOf(rig), ['old/1 at 0', 'new/1 at 2000', 'new/1 at 500']);
  });
});
