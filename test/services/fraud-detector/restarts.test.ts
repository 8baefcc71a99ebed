import assert from 'node:assert/strict';
import fc from 'fast-check';
import { naiveAlerts } from '../../../scripts/judge/naive-alerts.ts';
import { shardEnd } from '../../../services/lib/kcl/position.ts';
import { type LiveScenario, liveScenarios, rule } from '../../oracle/scenario.ts';
import { failoverTimeMs, type Process, snapshotIntervalMs } from '../lib/state/rig.ts';
import { FraudRig } from './fraud-rig.ts';

/** What happens after a batch. A zombie lives on beside the next owner and is given the rest of the records. */
type Fate = 'nothing' | 'stop' | 'kill' | 'zombie' | 'newest lost' | 'both lost' | 'head spoilt' | 'tail spoilt' | 'ahead';

interface Step {
  readonly batch: number;
  /** ms: whether a snapshot is due. */
  readonly pause: number;
  /** Turns of the event loop: how far a snapshot under way gets. */
  readonly turns: number;
  readonly fate: Fate;
}

const steps = fc.array(
  fc.record({
    batch: fc.integer({ min: 0, max: 9 }),
    pause: fc.constantFrom(0, snapshotIntervalMs, snapshotIntervalMs),
    turns: fc.constantFrom(0, 3, 30, 30),
    fate: fc.constantFrom<Fate>(
      ...(['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'stop', 'stop', 'stop', 'kill', 'kill', 'zombie'] as const),
      ...(['newest lost', 'newest lost', 'both lost', 'head spoilt', 'tail spoilt', 'tail spoilt', 'ahead'] as const),
    ),
  }),
  { minLength: 5, maxLength: 25, size: 'max' },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs a whole lineage of shards. Returns what happened, by how often. */
async function play(rig: FraudRig, { shards }: LiveScenario, plan: readonly Step[]): Promise<Map<Fate, number>> {
  const happened = new Map<Fate, number>();
  const zombies: Process[] = [];
  let at = 0;
  let workers = 0;
  const next = (): Step => plan[at++ % plan.length] as Step;
  for (const { shardId, records } of shards) {
    const begin = (): Promise<Process> => rig.begin(shardId, `worker-${workers++}`);
    let process = await begin();
    // Bounded, since a plan that kills after each batch may never get further.
    for (let step = 0; process.left > 0 || step < 3; step++) {
      const { batch, pause, turns, fate } = step < 12 ? next() : { batch: records.length, pause: 0, turns: 0, fate: 'nothing' as const };
      rig.now += pause;
      await process.deliver(batch);
      for (let i = 0; i < turns; i++) await turn();
      happened.set(fate, (happened.get(fate) ?? 0) + 1);
      if (fate === 'nothing') continue;
      if (fate === 'stop') await process.stop();
      if (fate === 'zombie') zombies.push(process);
      else process.kill();
      damage(rig, shardId, fate);
      const delivered = process.checkpointer.delivered;
      if (fate === 'ahead') rig.checkpoints.set(shardId, delivered); // beyond the snapshot, as after a lost pointer
      process = await begin();
      for (const zombie of zombies) {
        rig.now += failoverTimeMs;
        await zombie.deliver(2);
        if (at % 3 === 0) await zombie.stop();
      }
    }
    await process.end();
    assert.equal(rig.checkpoints.get(shardId), shardEnd);
    for (const zombie of zombies.splice(0)) await zombie.end();
    const { fate } = next();
    damage(rig, shardId, fate);
  }
  return happened;
}

/** To the snapshots of a shard, ended or not. */
function damage(rig: FraudRig, shardId: string, fate: Fate): void {
  const row = rig.rows.row(shardId);
  for (const ref of [row?.current, fate === 'both lost' ? row?.previous : undefined]) {
    const key = rig
      .keys()
      .find((one) => ref !== undefined && one.includes(`/${shardId}/${String(ref.epoch).padStart(10, '0')}/${ref.position}/`));
    const body = Buffer.from(rig.bodies.get(key ?? '') ?? '');
    if (key === undefined || body.length === 0) continue;
    const spoil = (at: number): void => {
      body[at] = (body[at] ?? 0) ^ 1;
      rig.bodies.set(key, body);
    };
    if (fate === 'newest lost' || fate === 'both lost') rig.bodies.delete(key);
    if (fate === 'head spoilt') spoil(2);
    if (fate === 'tail spoilt') spoil(body.length - 3);
  }
}

/** Raises at nearly every event, with the one before it as evidence: a state that lacks an event, or has one twice, shows at once. */
const sentinel = rule({ id: 'sentinel', mode: 'shadow', when: {}, count: { atLeast: 2, within: 'PT1H' } });

const watched = ({ shards, generations }: LiveScenario): LiveScenario => ({
  shards,
  generations: generations.map((one) => ({ ...one, rules: { ...one.rules, rules: [...one.rules.rules, sentinel] } })),
});

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20);

describe('the alerts of the fraud detector', () => {
  it('are the oracle’s, each warming or not as it says, through restarts, zombies, lost and spoilt snapshots, splits and merges', async () => {
    const happened = new Map<Fate | 'alerts' | 'fell back' | 'rebuilt', number>();
    const saw = (what: Fate | 'alerts' | 'fell back' | 'rebuilt', times: number) => happened.set(what, (happened.get(what) ?? 0) + times);
    await fc.assert(
      fc.asyncProperty(liveScenarios.map(watched), steps, async (scenario, plan) => {
        const rig = new FraudRig(scenario.shards, scenario.generations);
        for (const [fate, times] of await play(rig, scenario, plan)) saw(fate, times);
        const { alerts, warming } = naiveAlerts({ shards: scenario.shards, rules: scenario.generations });
        const byId = (a: { alertId: string }, b: { alertId: string }) => a.alertId.localeCompare(b.alertId);
        const raised = [...rig.stored.values()];
        assert.deepEqual(raised.map(({ alert }) => alert).sort(byId), alerts.sort(byId));
        assert.deepEqual(new Set(raised.filter((one) => one.warming).map(({ alert }) => alert.alertId)), warming);
        const live = alerts.filter(({ mode }) => mode === 'live').map(({ alertId }) => alertId);
        assert.deepEqual(new Set(rig.published), new Set(live), 'each published');
        saw('alerts', alerts.length);
        saw('fell back', rig.counter('snapshots_unusable'));
        saw('rebuilt', rig.counter('state_rebuilt'));
      }),
      { numRuns },
    );
    for (const [what, times] of happened) assert.ok(times >= numRuns / 10, `${what}: ${times}`);
    assert.equal(happened.size, 12);
  });
});
