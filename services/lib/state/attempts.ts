import type { Position } from '../kcl/position.ts';

/** Deaths at one record after which it is given up. */
export const deathsBeforeSkip = 3;

/**
 * What is known of starts that came to nothing: a process that dies tells nobody why.
 *
 *     1st start at a checkpoint    batches, as ever
 *     2nd start on                 one record at a time, its position stored before it is applied (`trying`)
 *     3rd death at one position    the record is dead-lettered and skipped, here and by every replay
 *
 * Cleared as soon as a snapshot beyond it is durable.
 */
export interface Attempt {
  /** KCL's, at the start. */
  readonly checkpoint: Position;
  readonly starts: number;
  /** The record being applied. */
  readonly trying?: Position;
  /** The record that was being applied when the process last died, and how often in a row that was it. */
  readonly suspect?: Position;
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
  const { trying, suspect } = before;
  if (trying === undefined) {
    return { attempt: { checkpoint, starts, ...(suspect && { suspect }), deaths: before.deaths }, poison: undefined };
  }
  const deaths = trying === suspect ? before.deaths + 1 : 1;
  if (deaths < deathsBeforeSkip) return { attempt: { checkpoint, starts, suspect: trying, deaths }, poison: undefined };
  return { attempt: { checkpoint, starts, deaths: 0 }, poison: trying };
}

/** Whether records go one by one. */
export const isCareful = (attempt: Attempt): boolean => attempt.starts > 1;

/** The record that is applied next; undefined: none is. */
export function trying({ checkpoint, starts, suspect, deaths }: Attempt, position: Position | undefined): Attempt {
  return { checkpoint, starts, ...(position && { trying: position }), ...(suspect && { suspect }), deaths };
}
