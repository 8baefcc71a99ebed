import { type Booking, type Change, createDesk, type Desk, revise, userIdOf } from './booking.ts';
import { CancelBudget } from './cancel-budget.ts';
import { nearMiss, plantedEpisode } from './episodes.ts';
import { Heap } from './heap.ts';
import { createMarket } from './market.ts';
import { createRandom, type Random, weighted } from './random.ts';

export interface TrafficOptions {
  readonly seed: number;
  /** Time of the first change, epoch ms. */
  readonly startMs: number;
  /** Honest changes a second, on average. */
  readonly rate: number;
  /** No change is later than this; an episode that would not end by then is not begun. Infinity: endless. */
  readonly endMs: number;
  /** Honest users. */
  readonly users: number;
  /** Mean pause between two planted episodes, and between two near misses. */
  readonly episodeEveryMs: number;
}

/** Guests enough that the budget of two cancellations each never starves the traffic, at any rate. */
export const usersFor = (rate: number): number => Math.max(50_000, rate * 1_200);
export const defaultEpisodeEveryMs = 1_200;
const firstEpisodeAfterMs = 300;

type Kind = 'reserve' | 'cancel' | 'change' | 'touch' | 'expire' | 'remove' | 'purge';

/**
 * Per 100 reservations: 37 cancellations (windows: 37.04 % of bookings are cancelled; one in twenty by deleting the item),
 * changes and housekeeping writes are assumed, since the data set has none.
 */
const pickKind = weighted<Kind>([
  ['reserve', 100],
  ['cancel', 35],
  ['remove', 2], // the item is deleted instead of marked: a cancellation
  ['change', 22],
  ['touch', 14], // a write that changes nothing mapped
  ['expire', 5], // an unpaid hold, removed by TTL
  ['purge', 3], // a booking that was cancelled long ago is deleted: nothing new
]);

/** Booking changes in time order: honest traffic, near misses and planted fraud. Deterministic for the same options. */
export function* traffic(options: TrafficOptions): Generator<Change, void, void> {
  const random = createRandom(options.seed, 'traffic');
  const desk = createDesk(options.seed, createMarket(options.seed), createRandom(options.seed, 'desk'));
  const budget = new CancelBudget();
  const waiting = new Heap<Change>();
  const honest = () => honestChange(options, random, desk, budget, at);

  const gap = (mean: number) => Math.max(1, Math.round(mean * random.exponential()));
  let at = options.startMs;
  let exact = options.startMs;
  let nextEpisode = options.startMs + firstEpisodeAfterMs;
  let nextNearMiss = options.startMs + gap(options.episodeEveryMs * 2);
  let episodes = 0;
  let nearMisses = 0;
  const plan = (changes: readonly Change[]): boolean => {
    if (changes.some((c) => c.at > options.endMs)) return false;
    for (const change of changes) waiting.push(change.at, change);
    return true;
  };

  while (true) {
    exact += (1_000 / options.rate) * random.exponential();
    at = Math.floor(exact);
    for (; nextEpisode <= at; nextEpisode += gap(options.episodeEveryMs)) {
      if (plan(plantedEpisode(random, desk, userIdOf(options.seed, 'planted', episodes), nextEpisode, episodes))) episodes++;
    }
    for (; nextNearMiss <= at; nextNearMiss += gap(options.episodeEveryMs * 2)) {
      if (plan(nearMiss(random, desk, userIdOf(options.seed, 'near-miss', nearMisses), nextNearMiss))) nearMisses++;
    }
    while (waiting.firstKey <= Math.min(at, options.endMs)) {
      const change = waiting.pop();
      if (change) yield change;
    }
    if (at > options.endMs) return;
    yield honest();
  }
}

function honestChange(options: TrafficOptions, random: Random, desk: Desk, budget: CancelBudget, at: number): Change {
  const userId = userIdOf(options.seed, 'guest', random.integer(0, options.users - 1));
  const drawn = pickKind(random);
  const cancels = drawn === 'cancel' || drawn === 'remove';
  const kind = cancels && !budget.take(userId, at) ? 'reserve' : drawn;
  const change = (means: Change['means'], before: Booking | undefined, after: Booking | undefined, byTtl = false): Change => ({
    at,
    means,
    byTtl,
    ...(before && { before }),
    ...(after && { after }),
  });
  switch (kind) {
    case 'reserve':
      return change('reserved', undefined, desk.reserve(userId, at));
    case 'cancel': {
      const before = desk.aged(userId, at, 'cancelled booking');
      return change('cancelled', before, revise(before, at, { status: 'CANCELLED' }));
    }
    case 'remove':
      return change('cancelled', desk.aged(userId, at, 'cancelled booking'), undefined);
    case 'change': {
      const before = desk.aged(userId, at, 'booking');
      const seats = before.sale.seats + 1;
      const amountMinor = Math.round((before.sale.amountMinor / before.sale.seats) * seats);
      return change('changed', before, revise(before, at, { sale: { ...before.sale, seats, amountMinor } }));
    }
    case 'touch': {
      const before = desk.aged(userId, at, 'booking');
      return change('no-op', before, { ...before, remindersSent: before.remindersSent + 1 });
    }
    case 'expire':
      return change('expired', { ...desk.aged(userId, at, 'booking'), status: 'PENDING' }, undefined, true);
    case 'purge':
      return change('no-op', { ...desk.aged(userId, at, 'cancelled booking'), status: 'CANCELLED' }, undefined);
  }
}
