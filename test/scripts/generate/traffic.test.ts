import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Faults, futureByMs, lateByMs, noFaults, planRecords } from '../../../scripts/generate/faults.ts';
import { plantedPace } from '../../../scripts/generate/flags.ts';
import { malformedKinds } from '../../../scripts/generate/malformed.ts';
import type { PlannedRecord } from '../../../scripts/generate/planned-record.ts';
import { defaultEpisodeEveryMs, traffic } from '../../../scripts/generate/traffic.ts';
import { naiveAlerts } from '../../../scripts/judge/naive-alerts.ts';
import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';
import { decodeChangeRecord } from '../../../services/lib/events/change-record-codec.ts';

const startMs = Date.UTC(2026, 4, 1, 8);
const minute = 60_000;
const worst: Faults = { duplicates: 0.3, disorderMs: 5_000, late: 0.3, future: 0.2, malformed: 0 };

interface Run {
  readonly seed?: number;
  readonly rate?: number;
  readonly durationMs?: number;
  readonly users?: number;
  readonly faults?: Faults;
  readonly format?: 'changes' | 'events';
}

function records({
  seed = 7,
  rate = 100,
  durationMs = 20_000,
  users = 50_000,
  faults = noFaults,
  format = 'changes',
}: Run): PlannedRecord[] {
  const options = { seed, startMs, endMs: startMs + durationMs };
  return [...planRecords(traffic({ ...options, rate, users, episodeEveryMs: 1_200 }), { ...options, faults, format })];
}

/** occurredAt of distinct cancellations per user. */
function cancellations(run: readonly PlannedRecord[], planted: boolean): Map<string, number[]> {
  const times = new Map<string, Map<string, number>>();
  for (const { label } of run) {
    if (label.event?.type !== 'cancelled' || (label.episode !== undefined) !== planted) continue;
    const user = label.event?.userId ?? '';
    const of = times.get(user) ?? new Map<string, number>();
    times.set(user, of.set(label.eventIds[0] ?? '', label.event?.occurredAt ?? 0));
  }
  return new Map([...times].map(([user, of]) => [user, [...of.values()].sort((a, b) => a - b)]));
}

const mostWithin = (times: readonly number[], spanMs: number): number =>
  Math.max(0, ...times.map((from) => times.filter((t) => t >= from && t <= from + spanMs).length));

describe('generated traffic', () => {
  it('is the same for the same seed, byte for byte, and another for another', () => {
    const faults = { ...worst, malformed: 0.2 };
    const bytes = (seed: number) =>
      records({ seed, faults, durationMs: 5_000 }).map((r) => `${r.sendAt} ${r.partitionKey} ${r.data.toString('base64')}`);
    assert.deepEqual(bytes(7), bytes(7));
    assert.notDeepEqual(bytes(7), bytes(8));
  });

  it('plants at the pace that the help text says, whatever the rate', () => {
    const said = Number(/about\s(\d+) changes a second/.exec(plantedPace)?.[1]);
    const seconds = 600;
    for (const rate of [1, 10]) {
      const all = [
        ...traffic({ seed: 7, startMs, endMs: startMs + seconds * 1_000, rate, users: 1_000, episodeEveryMs: defaultEpisodeEveryMs }),
      ];
      const planted = all.length / seconds - rate;
      assert.ok(Math.abs(planted - said) < 1, `${planted} a second at ${rate}`);
    }
  });

  it('never lets an innocent user cancel three times within ten minutes, however late or ahead each is made', () => {
    // Few users and half an hour: the budget is what keeps them honest. A shift moves an occurredAt 20 minutes back or 10 ahead.
    const reach = 10 * minute + lateByMs + futureByMs;
    const property = fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
      const changes = traffic({ seed, startMs, endMs: startMs + 60 * minute, rate: 1, users: 300, episodeEveryMs: 10 * minute });
      const times = new Map<string, number[]>();
      for (const { at, means, episode, before } of changes) {
        if (means !== 'cancelled' || episode !== undefined || before === undefined) continue;
        times.set(before.userId, [...(times.get(before.userId) ?? []), at]);
      }
      assert.equal(Math.max(...[...times.values()].map((of) => mostWithin(of, reach))), 2);
    });
    fc.assert(property, { numRuns: 5 });
  });

  it('plants episodes of at least three cancellations within seconds, never late, ahead or malformed', () => {
    const run = records({ durationMs: minute, faults: { ...worst, malformed: 0.3 } });
    const planted = cancellations(run, true);
    assert.ok(planted.size >= 20, `${planted.size} episodes in a minute`);
    for (const times of planted.values()) {
      assert.ok(times.length >= 3);
      assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) < minute);
    }
    assert.deepEqual(
      run.filter(({ label }) => label.episode !== undefined && (label.late || label.future || label.malformed)),
      [],
    );
  });

  it('raises exactly the planted users in the oracle', () => {
    const run = records({ durationMs: 20_000, faults: worst });
    const events = run.flatMap(({ data, sendAt }) => {
      const decoded = decodeChangeRecord(data, sendAt);
      return decoded.kind === 'ok' ? [{ event: decoded.value, arrival: sendAt }] : [];
    });
    const shard = { shardId: 'shardId-000000000000', parents: [], range: { start: 0n, end: 2n ** 128n - 1n }, records: events };
    const { alerts } = naiveAlerts({ shards: [shard], rules: defaultRules });
    assert.deepEqual(new Set(alerts.map((a) => a.key)), new Set(cancellations(run, true).keys()));
  });

  it('says of every record what the router makes of it', () => {
    const run = records({ durationMs: 30_000, faults: { ...worst, malformed: 0.3 } });
    const dead = new Set<string>();
    for (const { label, data, sendAt, target } of run) {
      if (target === 'events') continue;
      const outcome = decodeChangeRecord(data, sendAt);
      if (label.expect === 'routed') {
        assert.equal(outcome.kind, 'ok');
        if (outcome.kind !== 'ok') continue;
        const { extra: _, ...event } = outcome.value;
        assert.deepEqual(event, label.event);
        assert.deepEqual([event.eventId], label.eventIds);
      } else {
        assert.equal(outcome.kind, label.expect === 'dropped' ? 'drop' : 'deadLetter', label.malformed);
        dead.add(label.malformed ?? '');
      }
    }
    for (const kind of malformedKinds) assert.ok(dead.has(kind), `${kind} was never made`);
  });

  it('shifts late events 20 minutes back and future ones 10 ahead, and nothing else', () => {
    const run = records({ faults: { ...noFaults, late: 0.2, future: 0.2 }, durationMs: minute });
    const own = new Set(['reserved', 'changed', 'cancelled']);
    for (const { label, sendAt } of run) {
      if (label.late) assert.equal(label.event?.occurredAt, sendAt - lateByMs);
      else if (label.future) assert.equal(label.event?.occurredAt, sendAt + futureByMs);
      else if (label.expect === 'routed' && label.event?.type === 'reserved') assert.equal(label.event?.occurredAt, sendAt);
      if (label.late || label.future) assert.ok(own.has(label.event?.type ?? ''));
    }
  });

  it('sends in order of sendAt, at most `disorder` after the event, and nothing after the end', () => {
    const run = records({ faults: { ...noFaults, disorderMs: 5_000 }, durationMs: minute });
    const overtaken = run.filter(
      (r, i) => (run[i - 1]?.label.event?.occurredAt ?? 0) > (r.label.event?.occurredAt ?? Number.POSITIVE_INFINITY),
    );
    assert.ok(overtaken.length > run.length / 10);
    for (const [i, { sendAt, label }] of run.entries()) {
      assert.ok(sendAt >= (run[i - 1]?.sendAt ?? 0));
      assert.ok(sendAt <= startMs + minute);
      if (label.event?.type === 'reserved') assert.ok(sendAt - (label.event?.occurredAt ?? 0) <= 5_000);
    }
  });

  it('repeats a duplicate byte for byte under the same key', () => {
    const run = records({ faults: { ...noFaults, duplicates: 0.2 } });
    const first = new Map<string, PlannedRecord>();
    const duplicates = run.filter((r) => r.label.duplicate);
    for (const r of run) if (!r.label.duplicate) first.set(r.data.toString('base64'), r);
    assert.ok(duplicates.length > run.length / 10);
    for (const r of duplicates) assert.equal(first.get(r.data.toString('base64'))?.partitionKey, r.partitionKey);
  });

  it('has change records of the documented size, keyed by nothing of the user', () => {
    const run = records({ durationMs: 10_000 });
    const both = run.filter(({ data }) => data.includes('"OldImage"') && data.includes('"NewImage"'));
    for (const { data, partitionKey, label } of both) {
      assert.ok(data.length > 2_300 && data.length < 3_500, `${data.length} bytes`);
      assert.ok(!partitionKey.includes(label.event?.userId ?? 'usr-'));
    }
  });

  it('sends junk of 1 MiB at most every ten seconds, as large as Kinesis takes', () => {
    const junk = records({ durationMs: minute, rate: 20, faults: { ...noFaults, malformed: 0.3 } }).filter(
      (r) => r.label.malformed === 'junk-1mb',
    );
    assert.ok(junk.length >= 4);
    for (const [i, { data, partitionKey, sendAt }] of junk.entries()) {
      assert.equal(data.length + Buffer.byteLength(partitionKey), 1_048_576);
      assert.ok(i === 0 || sendAt - (junk[i - 1]?.sendAt ?? 0) >= 10_000);
    }
  });

  it('writes canonical events without drops, keyed by user, when asked for them', () => {
    const run = records({ format: 'events', faults: { ...worst, malformed: 0.3 } });
    for (const { data, partitionKey, label } of run) {
      const event = JSON.parse(data.toString()) as { userId: string; eventId: string };
      assert.equal(event.userId, partitionKey);
      assert.deepEqual([event.eventId], label.eventIds);
    }
    assert.ok(run.length > 500);
  });
});
