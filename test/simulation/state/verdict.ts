import { deadLetterKey } from '../../../services/lib/deadletter/format.ts';
import { isAfter } from '../../../services/lib/kcl/position.ts';
import { standsAlone } from './state-table.ts';
import type { World } from './world.ts';

/** Reads what is durable at the end of a run, and nothing else. */
export async function judge(world: World): Promise<void> {
  world.subject.judgeEffects();
  judgeLetters(world);
  judgeObjects(world);
  judgeAlarms(world);
  await world.subject.judgeStates();
}

function judgeLetters({ stream, objects, run, application, kindOf }: World): void {
  for (const { shardId, records, trimmedTo } of stream.shards) {
    for (const record of records) {
      const kind = kindOf(record);
      const key = deadLetterKey({ ...record, service: application, stream: 'booking-events', shard: shardId });
      const isLetter = objects.memory.objects.has(key);
      if (isLetter !== (kind === 'throws' || kind === 'poison') && isAfter(record.position, trimmedTo)) {
        run.violate('dead letters', `${key}: ${isLetter ? 'a sound record' : 'missing'}`);
      }
    }
  }
}

function judgeObjects({ stream, objects, table, run, scenario }: World): void {
  for (const { shardId, closed } of stream.shards) {
    const row = table.rows.get(shardId);
    const children = stream.shards.filter(({ parents }) => parents.includes(shardId));
    const done = closed && row?.final === true && children.every((child) => standsAlone(table.rows.get(child.shardId)));
    if (scenario.lostRows > 0) continue; // what hung on a row that is gone stays
    if (done && !row.retired) run.violate('retire', `${shardId} was never retired`);
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
