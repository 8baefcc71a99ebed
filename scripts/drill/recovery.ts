import { setTimeout as sleep } from 'node:timers/promises';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { eventRouter } from '../../services/event-router/service.ts';
import { pendingPartition } from '../../services/lib/alerts/stored-alert.ts';
import { listShards } from '../../services/lib/kcl/shards.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import type { StreamName } from '../demo/flags.ts';
import { consumersNotReading } from '../demo/readiness.ts';
import { readCheckpoints } from '../judge/progress.ts';
import type { AlertEvidence } from './alert-evidence.ts';
import { NotRecovered, type Recovery } from './campaign.ts';
import { CheckpointMoves } from './checkpoint-moves.ts';
import type { Session } from './session.ts';

const pollMs = 250;
/** An alert is pending for the few ms between its store and its publication: only one that stays so waits for a sweep. */
const pendingForMs = 1_000;
/** The batch that a consumer was in when the fault ended, and one after it. */
const movesOfAReader = 2;

/** Consumers whose checkpoints follow what they did; the detector's lag behind on purpose, its alerts tell instead. */
const checkpointing: readonly (readonly [string, StreamName])[] = [
  [eventRouter.consumes?.application ?? '', 'booking-changes'],
  [redshiftLoader.consumes?.application ?? '', 'booking-events'],
];

/**
 * Waits until a fault that was over at `since` is recovered from: alerts of newer records come from every shard, every open shard of both
 * streams is read without a lag, none of the stored alerts waits to be published. Rejects with NotRecovered, which says what was missing.
 */
export async function untilRecovered(
  { system, signal }: Pick<Session, 'system' | 'signal'>,
  evidence: AlertEvidence,
  { since, deadlineMs, onLook }: { readonly since: number; readonly deadlineMs: number; readonly onLook: () => Promise<void> },
): Promise<Recovery> {
  const deadline = performance.now() + deadlineMs;
  const moves = new CheckpointMoves();

  const notResumed = async (): Promise<number | string[]> => {
    const open = (await listShards(system.kinesis, 'booking-events')).filter(({ closed }) => !closed);
    const firsts = open.map(({ shardId, range }) => ({ shardId, at: evidence.firstAfter(since, range) }));
    const silent = firsts.filter(({ at }) => at === undefined).map(({ shardId }) => `no alert yet from ${shardId}`);
    return silent.length > 0 ? silent : Math.max(...firsts.map(({ at = 0 }) => at));
  };

  const standing = async (): Promise<string[]> => {
    const left = await Promise.all(
      checkpointing.map(async ([application, stream]) => {
        moves.see(application, await readCheckpoints(system.dynamo, application));
        const open = (await listShards(system.kinesis, stream)).filter(({ closed }) => !closed);
        return open
          .filter(({ shardId }) => moves.of(application, shardId) < movesOfAReader)
          .map(({ shardId }) => `${application} does not move on ${shardId}`);
      }),
    );
    return left.flat();
  };

  const unpublished = async (): Promise<string[]> => {
    const { Count: count = 0 } = await system.dynamo.send(
      new QueryCommand({
        TableName: 'fraud-alerts',
        IndexName: 'pending',
        KeyConditionExpression: 'pending = :pending AND raisedAt < :before',
        ExpressionAttributeValues: { ':pending': { S: pendingPartition }, ':before': { N: String(Date.now() - pendingForMs) } },
        Select: 'COUNT',
      }),
    );
    return count === 0 ? [] : [`${count} alerts are stored and not published`];
  };

  for (;;) {
    await onLook();
    evidence.look(system.stack.caught());
    const [resumed, ...rest] = await Promise.all([notResumed(), standing(), consumersNotReading(system, 0), unpublished()]);
    const missing = [...(typeof resumed === 'number' ? [] : resumed), ...rest.flat()];
    if (typeof resumed === 'number' && missing.length === 0) return { resumedAt: resumed, recoveredAt: Date.now() };
    if (performance.now() > deadline) throw new NotRecovered(`not recovered after ${deadlineMs / 1_000} s: ${missing.join(', ')}`);
    await sleep(pollMs, undefined, { signal });
  }
}
