import assert from 'node:assert/strict';
import fc from 'fast-check';
import { naiveAlerts, type OracleResult, type OracleShard } from '../../scripts/judge/naive-alerts.ts';
import { compileRules } from '../../services/lib/rules/compile.ts';
import type { MemoryLimits } from '../../services/lib/rules/memory-limits.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { ShardState } from '../../services/lib/rules/shard-state.ts';
import { bookingEvent, rule, scenarios, start, wholeRange } from './scenario.ts';

/** The engine over a whole lineage; shards are given parents first. `restartEvery`: events between two turns through bytes. */
function engineAlerts(
  shards: readonly OracleShard[],
  file: RulesFile,
  limits: Partial<MemoryLimits> = {},
  restartEvery = Number.POSITIVE_INFINITY,
): OracleResult {
  const rules = compileRules(file);
  const states = new Map<string, ShardState>();
  const result: OracleResult = { alerts: [], warming: new Set(), skipped: { late: 0, future: 0, duplicate: 0 } };
  for (const shard of shards) {
    const parents = shard.parents.map((id) => states.get(id)).filter((state) => state !== undefined);
    let state = ShardState.fromParents(rules, parents, shard.range, limits);
    for (const [i, { event, arrival }] of shard.records.entries()) {
      if ((i + 1) % restartEvery === 0) state = ShardState.restore(rules, [...state.snapshot()], limits);
      const applied = state.apply(event, arrival);
      if (applied.kind === 'skipped') result.skipped[applied.reason]++;
      else result.alerts.push(...applied.alerts);
    }
    states.set(shard.shardId, state);
  }
  return result;
}

describe('the rule engine', () => {
  it('raises exactly what the oracle raises, whatever is repeated, late, early, split or merged', () => {
    fc.assert(
      fc.property(scenarios, ({ shards, rules }) => {
        assert.deepEqual(engineAlerts(shards, rules, { partitionBits: 0 }), naiveAlerts({ shards, rules }));
      }),
      { numRuns: 500 },
    );
  });

  it('raises the same when its state goes through bytes, at whatever event', () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 7 }), ({ shards, rules }, restartEvery) => {
        assert.deepEqual(engineAlerts(shards, rules, { partitionBits: 0 }, restartEvery), naiveAlerts({ shards, rules }));
      }),
      { numRuns: 150 },
    );
  });

  it('is judged by scenarios that raise alerts of every kind, with every reason to skip, duplicates and reshards', () => {
    const seen = new Map<string, number>();
    const saw = (what: string, times: number): unknown => seen.set(what, (seen.get(what) ?? 0) + times);
    for (const { shards, rules } of fc.sample(scenarios, { numRuns: 200, seed: 7 })) {
      const { alerts, skipped } = naiveAlerts({ shards, rules });
      for (const alert of alerts) {
        const raisedBy = rules.rules.find(({ id }) => id === alert.ruleId);
        for (const kind of ['count', 'sum', 'distinct', 'pairs', 'session'] as const) if (raisedBy?.[kind] !== undefined) saw(kind, 1);
      }
      for (const [reason, times] of Object.entries(skipped)) saw(reason, times);
      saw('children', shards.filter(({ parents }) => parents.length > 0).length);
    }
    for (const what of ['count', 'sum', 'distinct', 'pairs', 'session', 'late', 'future', 'duplicate', 'children']) {
      assert.ok((seen.get(what) ?? 0) >= 20, `${what}: ${seen.get(what) ?? 0}`);
    }
  });

  it('raises the same once its memory is swept: thousands of keys, each forgotten when it can no longer matter', () => {
    const rules: RulesFile = {
      time: { disorder: 'PT5S', lateness: 'PT5S', maxAhead: 'PT5M' },
      rules: [rule({ id: 'churn', count: { atLeast: 2, within: 'PT3S' }, cooldown: 'PT4S' })],
    };
    const records = Array.from({ length: 6_000 }, (_, i) => {
      const occurredAt = start + i * 20 - ((i * 7_919) % 11_000);
      return {
        event: bookingEvent({ bookingId: `b-${i % 5_500}`, userId: `u-${((i * 7_919) % 100_003) % 2_003}`, occurredAt }),
        arrival: start + i * 20,
      };
    });
    const shards = [{ shardId: 'only', parents: [], range: wholeRange, records }];
    const expected = naiveAlerts({ shards, rules });
    assert.deepEqual(engineAlerts(shards, rules), expected);
    assert.ok(expected.alerts.length > 10 && expected.skipped.late > 0, 'the run raises alerts and has late events');

    const state = ShardState.empty(compileRules(rules), wholeRange);
    for (const { event, arrival } of records) state.apply(event, arrival);
    assert.ok(state.size.ids < 3_000 && state.size.keys < 2_003, JSON.stringify(state.size));
  });
});
