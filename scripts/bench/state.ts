import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pino from 'pino';
import { defaultRules } from '../../services/fraud-detector/default-rules.ts';
import { FraudModel, type FraudState } from '../../services/fraud-detector/fraud-model.ts';
import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { encodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { position } from '../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../services/lib/kcl/processor.ts';
import { FileStore } from '../../services/lib/objects/file-store.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import { compileRules } from '../../services/lib/rules/compile.ts';
import { RulesTimeline } from '../../services/lib/rules/live/timeline.ts';
import { SnapshotObjects } from '../../services/lib/state/snapshot-objects.ts';
import type { SnapshotRef } from '../../services/lib/state/state-row.ts';
import { collectGarbage } from './engine/cpu.ts';
import { wholeRange } from './engine/jobs.ts';
import type { Bench, Figure } from './harness/bench.ts';
import { ranMs } from './state/main-thread.ts';

const users = 1_000_000;
/** What 1 M users do within the ten minutes that the default rule looks back. */
const spanMs = 600_000;
/** Applied between two turns while a snapshot is written: about what a full shard delivers in a read. */
const eventsPerTurn = 20;
const restoreBarMs = 3_000;
const pauseBarMs = 50;
const startMs = Date.UTC(2026, 5, 1);
const shardId = 'shardId-000000000000';

export const bench: Bench = {
  flags: {},
  summary: 'the state of 1 M users of the fraud detector: snapshot to disk while events are applied, restore, memory',

  async run(report, signal): Promise<readonly Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-state-'));
    try {
      return await figures(folder, report, signal);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function figures(folder: string, report: (line: string) => void, signal: AbortSignal): Promise<readonly Figure[]> {
  const objects = new SnapshotObjects(
    new FileStore(folder),
    { application: 'bench', streamId: 'bench@1' },
    { log: pino({ level: 'silent' }) },
  );
  const model = modelOfDefaultRules();
  const empty = await restored(objects, model, await saved(objects, model, await model.fresh(wholeRange), 1));

  const state = await model.fresh(wholeRange);
  await model.prepare(state, [recordOf(0)]);
  await model.before(state, recordOf(0));
  let next = 0;
  const apply = (): void => void model.apply(state, recordOf(next++));
  report('one cancellation each of 1,000,000 users, over ten minutes');
  while (next < users) {
    apply();
    if (next % 10_000 === 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
  }
  const size = state.shard.size;
  report(
    `${size.keys.toLocaleString('en-US')} users, ${size.ids.toLocaleString('en-US')} ids: ${(size.bytes / 1e6).toFixed(0)} MB of tables`,
  );

  const calm = await longestTurns(
    apply,
    nextTurn().then(() => new Promise((resolve) => setTimeout(resolve, 5_000))),
  );
  const writing = performance.now();
  let ref: SnapshotRef | undefined;
  const busy = await longestTurns(
    apply,
    saved(objects, model, state, 2).then((written) => {
      ref = written;
    }),
  );
  const writeMs = performance.now() - writing;
  if (ref === undefined) throw new Error('no snapshot was written');
  const checking = performance.now();
  await objects.use(shardId, ref, (of) => model.check(of));
  const checkMs = performance.now() - checking;
  const full = await restored(objects, model, ref);
  const rss = process.memoryUsage.rss() / 1e6;
  return [
    { name: 'tableMegabytes', label: '1 M users: tables', value: size.bytes / 1e6, unit: 'MB' },
    { name: 'rssMegabytes', label: '1 M users: RSS with the state twice (one restored beside it)', value: rss, unit: 'MB' },
    { name: 'snapshotMegabytes', label: 'snapshot, compressed', value: ref.bytes / 1e6, unit: 'MB' },
    { name: 'snapshotMs', label: 'snapshot, until it is durable', value: writeMs, unit: 'ms' },
    { name: 'readBackMs', label: 'snapshot read back', value: checkMs, unit: 'ms' },
    { name: 'pauseMs', label: 'longest turn of the shard meanwhile', value: busy, unit: 'ms', atMost: pauseBarMs },
    { name: 'calmMs', label: 'longest turn without a snapshot', value: calm, unit: 'ms' },
    { name: 'restoreAddsMs', label: 'restore, less that of an empty state', value: full - empty, unit: 'ms', atMost: restoreBarMs },
  ];
}

/** Applies events turn by turn until `work` is done; the longest that a turn of this thread, other work in it included, has run. */
async function longestTurns(apply: () => void, work: Promise<unknown>): Promise<number> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  let longest = 0;
  for (let before = ranMs(); !done; ) {
    await nextTurn();
    const now = ranMs();
    longest = Math.max(longest, now - before);
    before = now;
    for (let i = 0; i < eventsPerTurn; i++) apply();
  }
  await ended;
  return longest;
}

async function saved(objects: SnapshotObjects, model: FraudModel, state: FraudState, epoch: number): Promise<SnapshotRef> {
  const toSave = model.save(state);
  const name = { epoch, position: position('1'), generation: toSave.generation };
  return { ...name, ...(await objects.write(shardId, name, toSave, new AbortController().signal)), writtenAt: 0 };
}

async function restored(objects: SnapshotObjects, model: FraudModel, ref: SnapshotRef): Promise<number> {
  collectGarbage();
  const from = performance.now();
  await objects.use(shardId, ref, (of) => model.restore(of));
  return performance.now() - from;
}

function modelOfDefaultRules(): FraudModel {
  const rules = compileRules(defaultRules);
  const generation = { generation: 1, hash: '0'.repeat(64), activeFrom: 0, publishedAt: 0, publishedBy: 'bench' };
  return new FraudModel({
    rules: { timeline: async () => new RulesTimeline([generation]), rules: async () => rules, refresh: () => {} },
    store: { putAll: async () => [] },
    notifier: { publish: async () => 0, sweep: async () => {} },
    shardId,
    metrics: new Metrics(),
    now: Date.now,
  });
}

/** Users come round after round, in an order that is none. */
function recordOf(i: number): StreamRecord {
  const userId = `user-${String((i * 7_919) % users).padStart(9, '0')}`;
  const occurredAt = startMs + Math.floor((i / users) * spanMs);
  const event: BookingEvent = {
    schemaVersion: 1,
    eventId: createHash('md5').update(String(i)).digest('hex'),
    type: 'cancelled',
    bookingId: `b-${i}`,
    version: 2,
    userId,
    tourId: 'tour-1',
    occurredAt,
    seats: 1,
    amountMinor: 1,
    currency: 'EUR',
    channel: 'web',
    source: 'sdk',
  };
  const at = position(String(i + 1));
  return {
    data: encodeBookingEvent(event),
    partitionKey: userId,
    sequenceNumber: String(i + 1),
    subSequenceNumber: 0,
    position: at,
    approximateArrivalTimestamp: occurredAt,
  };
}
