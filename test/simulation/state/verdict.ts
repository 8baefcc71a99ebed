import pino from 'pino';
import { deadLetterKey } from '../../../services/lib/deadletter/format.ts';
import { isAfter, type Position } from '../../../services/lib/kcl/position.ts';
import { SnapshotObjects } from '../../../services/lib/state/snapshot-objects.ts';
import { type ChainEffect, ChainModel, eventOf } from './chain-model.ts';
import { steadyGzip } from './objects.ts';
import { expectedOf } from './oracle.ts';
import { standsAlone } from './state-table.ts';
import type { World } from './world.ts';

/** Reads what is durable at the end of a run, and nothing else. */
export async function judge(world: World): Promise<void> {
  judgeEffects(world);
  judgeLetters(world);
  judgeObjects(world);
  judgeAlarms(world);
  await judgeStates(world);
}

function judgeEffects({ stream, alerts, run, scenario }: World): void {
  const { effects } = expectedOf(stream.shards);
  const found = new Map<string, ChainEffect[]>();
  for (const [id, effect] of alerts.stored) {
    found.set(effect.trigger, [...(found.get(effect.trigger) ?? []), effect]);
    if ((alerts.published.get(id) ?? 0) < 1) run.violate('published', `${id} never was`);
    if (effect.warming) {
      if (scenario.trims === 0) run.violate('effects', `${id} is marked as incomplete, and nothing was trimmed`);
      continue;
    }
    const expected = effects.get(effect.trigger as Position);
    if (expected === undefined) run.violate('effects', `${id} has no reason`);
    else if (expected.chain !== effect.chain) run.violate('effects', `${id} should be ${expected.chain}`);
  }
  for (const [trigger, { key }] of effects) {
    const all = found.get(trigger) ?? [];
    const shard = stream.shards.find(({ records }) => records.some(({ position }) => position === trigger));
    const trimmed = shard !== undefined && !isAfter(trigger, shard.trimmedTo);
    if (all.length === 0 && !trimmed) run.violate('effects', `what follows from ${trigger} of ${key} was lost`);
    if (all.filter(({ warming }) => !warming).length > 1) run.violate('effects', `what follows from ${trigger} of ${key} is there twice`);
  }
}

function judgeLetters({ stream, objects, run, application }: World): void {
  for (const { shardId, records, trimmedTo } of stream.shards) {
    for (const record of records) {
      const { kind } = eventOf(record.data);
      const key = deadLetterKey({ ...record, service: application, stream: 'booking-events', shard: shardId });
      const isLetter = objects.memory.objects.has(key);
      if (isLetter !== (kind === 'throws' || kind === 'poison') && isAfter(record.position, trimmedTo)) {
        run.violate('dead letters', `${key}: ${isLetter ? 'a sound record' : 'missing'}`);
      }
    }
  }
}

function judgeObjects({ stream, objects, table, run, scenario }: World): void {
  for (const { shardId, closed, expired } of stream.shards) {
    const row = table.rows.get(shardId);
    const children = stream.shards.filter(({ parents }) => parents.includes(shardId));
    const done = closed && row?.final === true && children.every((child) => standsAlone(table.rows.get(child.shardId)));
    if (scenario.lostRows > 0 || expired) continue; // what hung on a row or a shard that is gone stays
    if (done && !row.retired && !scenario.trims) run.violate('retire', `${shardId} was never retired`);
    const refs = row === undefined || row.retired ? [] : [row.current, row.previous].filter((ref) => ref !== undefined);
    const pointedAt = refs.map((ref) => objects.prefixOf(shardId, ref));
    const orphans = objects.keysOf(shardId).filter((key) => !pointedAt.some((prefix) => key.startsWith(prefix)));
    if (orphans.length > 0 && (!closed || done)) run.violate('orphans', `${orphans.join(', ')}${closed ? ' of an ended shard' : ''}`);
  }
}

/** Without faults in the stores there is nothing to raise an alarm about. */
function judgeAlarms({ alarms, run, scenario }: World): void {
  const { damages, rotAtBirth, rottenFinals, checkpointsAhead, lostRows, trims, poison, throwing } = scenario;
  if (damages + rotAtBirth + rottenFinals + checkpointsAhead + lostRows + trims + poison + throwing > 0) return;
  for (const { process, event } of alarms) run.violate('alarm', `${event} by ${process.actor.name}`);
}

/** The snapshots themselves: after the last clean stop they hold all that there is to know. */
async function judgeStates(world: World): Promise<void> {
  const { stream, table, objects, run } = world;
  const { chains } = expectedOf(stream.shards);
  const snapshots = new SnapshotObjects(objects.memory, world, { log: pino({ level: 'silent' }) }, steadyGzip);
  const model = new ChainModel({
    prepare: async () => {},
    die: () => Promise.reject(new Error('not applied here')),
    settle: async () => 'done',
  });
  for (const { shardId, records } of stream.open) {
    const current = table.rows.get(shardId)?.current;
    const last = records.at(-1)?.position;
    if (current === undefined || current.position !== last) {
      run.violate('state', `${shardId} is stored up to ${current?.position}, not to its end at ${last}`);
      continue;
    }
    const state = await snapshots.use(shardId, current, (saved) => model.restore(saved));
    if (state.incomplete) continue;
    const expected = [...chains].filter(([key]) => stream.shardFor(key).shardId === shardId);
    for (const [key, chain] of expected) {
      if (state.keys.get(key)?.chain !== chain) run.violate('state', `${shardId} is wrong about ${key}`);
    }
    if (state.keys.size !== expected.length) run.violate('state', `${shardId} knows ${state.keys.size} keys of ${expected.length}`);
  }
}
