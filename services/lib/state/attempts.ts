import { isAfter, type Position } from '../kcl/position.ts';
import type { SkippedRecord, StateRow } from './state-row.ts';

/** Deaths at one record after which it is given up. */
export const deathsBeforeSkip = 3;

/** Records from one position to another, both included. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}

const isWithin = (inner: Span, outer: Span): boolean => !isAfter(outer.from, inner.from) && !isAfter(inner.to, outer.to);

/**
 * What is known of starts that came to nothing: a process that dies tells nobody why.
 *
 *     1st start at a checkpoint    batches, as ever
 *     2nd start on                 few records at a time, their positions stored before they are applied (`trying`)
 *     after a death                those among which it happened (`suspect`) one at a time
 *     3rd death at one record      it is dead-lettered and skipped, here and by every replay
 *
 * Cleared as soon as a snapshot beyond it is durable.
 */
export interface Attempt {
  /** KCL's, at the start. */
  readonly checkpoint: Position;
  readonly starts: number;
  /** What is being applied. */
  readonly trying?: Span;
  /** What was being applied when the process last died, and how often in a row it was among it. */
  readonly suspect?: Span;
  readonly deaths: number;
}

export interface Started {
  readonly attempt: Attempt;
  /** From now on to be skipped. */
  readonly poison: Position | undefined;
}

/** Another process begins at `checkpoint`. */
export function startAttempt(before: Attempt | undefined, checkpoint: Position): Started {
  if (before === undefined || before.checkpoint !== checkpoint) {
    return { attempt: { checkpoint, starts: 1, deaths: 0 }, poison: undefined };
  }
  const starts = before.starts + 1;
  const { trying: died, suspect } = before;
  if (died === undefined) return { attempt: withSuspect(checkpoint, starts, suspect, before.deaths), poison: undefined };
  const deaths = suspect !== undefined && isWithin(died, suspect) ? before.deaths + 1 : 1;
  if (deaths < deathsBeforeSkip || died.from !== died.to) {
    return { attempt: withSuspect(checkpoint, starts, died, deaths), poison: undefined };
  }
  return { attempt: { checkpoint, starts, deaths: 0 }, poison: died.from };
}

const withSuspect = (checkpoint: Position, starts: number, suspect: Span | undefined, deaths: number): Attempt => ({
  checkpoint,
  starts,
  ...(suspect && { suspect }),
  deaths,
});

/** Whether only few records may be applied at once. */
export const isCareful = (attempt: Attempt): boolean => attempt.starts > 1;

/** Whether the record must go alone. */
export const isSuspect = ({ suspect }: Attempt, position: Position): boolean =>
  suspect !== undefined && isWithin({ from: position, to: position }, suspect);

/** What is applied next; undefined: nothing is. */
export function trying({ checkpoint, starts, suspect, deaths }: Attempt, span: Span | undefined): Attempt {
  return { ...withSuspect(checkpoint, starts, suspect, deaths), ...(span && { trying: span }) };
}

/**
 * Whether a replay may meet the record again: one from either snapshot, of what lies behind it; a rebuild of a shard that has lost both,
 * or of a lost parent, all that the stream still holds. (If its retention was prolonged, such a rebuild finds the record as it was found first.)
 */
export const mayComeAgain = (
  { position, since }: SkippedRecord,
  { previous }: Pick<StateRow, 'previous'>,
  trimmedBefore: number,
): boolean => previous === undefined || isAfter(position, previous.position) || since >= trimmedBefore;
