import { type Change, type Desk, revise } from './booking.ts';
import type { Random } from './random.ts';

/** Reserve and cancel `pairs` times, each step some hundred milliseconds to seconds after the last: a script at work. */
function churn(random: Random, desk: Desk, userId: string, startAt: number, pairs: number, episode?: number): Change[] {
  const changes: Change[] = [];
  const mark = episode === undefined ? {} : { episode };
  let at = startAt;
  for (let i = 0; i < pairs; i++) {
    const reserved = desk.reserve(userId, at);
    changes.push({ at, after: reserved, byTtl: false, means: 'reserved', ...mark });
    at += random.integer(200, 1_200);
    changes.push({ at, before: reserved, after: revise(reserved, at, { status: 'CANCELLED' }), byTtl: false, means: 'cancelled', ...mark });
    at += random.integer(200, 1_500);
  }
  return changes;
}

/** Fraud: three to five cancellations within seconds, far inside the rule's ten minutes. */
export const plantedEpisode = (random: Random, desk: Desk, userId: string, startAt: number, episode: number): Change[] =>
  churn(random, desk, userId, startAt, random.integer(3, 5), episode);

/** A guest who changed their mind twice: one short of an alert, so that counting a duplicate twice shows. */
export const nearMiss = (random: Random, desk: Desk, userId: string, startAt: number): Change[] => churn(random, desk, userId, startAt, 2);
