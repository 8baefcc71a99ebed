import assert from 'node:assert/strict';
import fc from 'fast-check';
import { naiveAlerts, type OracleResult } from '../../scripts/judge/naive-alerts.ts';
import type { HashRange } from '../../services/lib/kcl/shards.ts';
import { type CompiledRules, compileRules } from '../../services/lib/rules/compile.ts';
import { RulesTimeline } from '../../services/lib/rules/live/timeline.ts';
import { ShardState } from '../../services/lib/rules/shard-state.ts';
import { type LiveScenario, liveScenarios } from './scenario.ts';

const limits = { partitionBits: 0 };
/** Of a shard that has seen no record. */
const noRules: CompiledRules = { time: { disorderMs: 0, latenessMs: 0, maxAheadMs: 0 }, rules: [] };

interface Ended {
  readonly generation: number;
  readonly bytes: Buffer;
}

async function* chunksOf({ bytes }: Ended): AsyncGenerator<Buffer> {
  yield bytes;
}

/** The engine over a whole lineage as the detector runs it. `restartEvery`: records between two turns through bytes. */
async function engineAlerts({ shards, generations }: LiveScenario, restartEvery = Number.POSITIVE_INFINITY): Promise<OracleResult> {
  const timeline = new RulesTimeline(
    generations.map(({ generation, activeFrom }) => ({ generation, activeFrom, hash: '', publishedAt: 0, publishedBy: '' })),
  );
  const compiled = new Map(generations.map(({ generation, rules }) => [generation, compileRules(rules)]));
  const rulesOf = (generation: number): CompiledRules => compiled.get(generation) ?? noRules;
  const ended = new Map<string, Ended>();
  const warming = new Set<string>();
  const result: OracleResult = { alerts: [], warming, skipped: { late: 0, future: 0, duplicate: 0 } };

  const begin = (range: HashRange, parents: readonly Ended[], generation: number): Promise<ShardState> =>
    ShardState.inherit(rulesOf(generation), range, parents.map(chunksOf), limits);

  for (const shard of shards) {
    const parents = shard.parents.map((id) => ended.get(id)).filter((parent) => parent !== undefined);
    let generation = Math.max(0, ...parents.map((parent) => parent.generation));
    let state = await begin(shard.range, parents, generation);
    for (const [i, { event, arrival }] of shard.records.entries()) {
      if ((i + 1) % restartEvery === 0) state = ShardState.restore(rulesOf(generation), [...state.snapshot()], limits);
      const next = timeline.generationFor(generation, arrival).generation;
      if (next !== generation) state = await state.switchRules(rulesOf(next));
      generation = next;
      const applied = state.apply(event, arrival);
      if (applied.kind === 'skipped') result.skipped[applied.reason]++;
      else {
        result.alerts.push(...applied.alerts);
        for (const alert of applied.alerts) if (state.isWarming(alert)) warming.add(alert.alertId);
      }
    }
    ended.set(shard.shardId, { generation, bytes: Buffer.concat([...state.snapshot()]) });
  }
  return result;
}

const oracle = ({ shards, generations }: LiveScenario): OracleResult => naiveAlerts({ shards, rules: generations });

describe('the rule engine under rules that change while events come', () => {
  it('raises exactly what the oracle raises, and marks what is warming, whatever is published, repeated, late, split or merged', async () => {
    await fc.assert(
      fc.asyncProperty(liveScenarios, async (scenario) => {
        assert.deepEqual(await engineAlerts(scenario), oracle(scenario));
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 250) },
    );
  });

  it('raises the same after restarts at whatever record, before a switch and behind it', async () => {
    await fc.assert(
      fc.asyncProperty(liveScenarios, fc.integer({ min: 1, max: 7 }), async (scenario, restartEvery) => {
        assert.deepEqual(await engineAlerts(scenario, restartEvery), oracle(scenario));
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 100) },
    );
  });

  it('is judged by scenarios in which rules stay, go, come back and are new, time changes, and alerts are warming', () => {
    const seen = new Map<string, number>();
    const saw = (what: string, times: number): unknown => seen.set(what, (seen.get(what) ?? 0) + times);
    for (const scenario of fc.sample(liveScenarios, { numRuns: 200, seed: 7 })) {
      const { alerts, warming } = oracle(scenario);
      saw('alerts', alerts.length);
      saw('warming', warming.size);
      saw('not warming under later rules', alerts.length - warming.size);
      const first = naiveAlerts({ shards: scenario.shards, rules: scenario.generations.slice(0, 1) });
      saw('other than under the first rules', JSON.stringify(first.alerts) === JSON.stringify(alerts) ? 0 : 1);
      const names = scenario.generations.map(({ rules }) => rules.rules.map(({ id, version }) => `${id}/${version}`));
      names.forEach((list, i) => {
        const before = names[i - 1] ?? [];
        saw('stays', list.filter((name) => before.includes(name)).length);
        saw(
          'comes back',
          list.filter(
            (name) =>
              i > 1 &&
              !before.includes(name) &&
              names
                .slice(0, i - 1)
                .flat()
                .includes(name),
          ).length,
        );
      });
      saw('another time', new Set(scenario.generations.map(({ rules }) => JSON.stringify(rules.time))).size - 1);
      saw('children', scenario.shards.filter(({ parents }) => parents.length > 0).length);
    }
    const whats = [
      'warming',
      'not warming under later rules',
      'other than under the first rules',
      'stays',
      'comes back',
      'another time',
      'children',
    ];
    for (const what of whats) assert.ok((seen.get(what) ?? 0) >= 20, `${what}: ${seen.get(what) ?? 0}`);
  });
});
