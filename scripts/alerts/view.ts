import type { AlertRecord } from '../../services/lib/alerts/stored-alert.ts';
import type { Severity } from '../../services/lib/rules/rules-file.ts';
import type { Color } from './cells.ts';

export const states = ['pending', 'published', 'withheld', 'refused'] as const;
/** refused: SNS would not take it as it is. stored: a shadow alert, which is never to be published. */
export type State = (typeof states)[number] | 'stored';

export function stateOf({ pending, withheldAt, refused, publishedAt }: AlertRecord): State {
  if (pending) return 'pending';
  if (withheldAt !== undefined) return refused === undefined ? 'withheld' : 'refused';
  return publishedAt === undefined ? 'stored' : 'published';
}

/** One alert as a flat object, for machines. */
export function plain(record: AlertRecord) {
  const { alert, action, raisedAt, arrivedAt, warming, publishedAt, withheldAt, refused } = record;
  return { ...alert, action, state: stateOf(record), raisedAt, arrivedAt, warming: warming ?? false, publishedAt, withheldAt, refused };
}

export const stateColors: Readonly<Record<State, Color>> = {
  pending: 'yellow',
  published: 'green',
  withheld: 'magenta',
  refused: 'red',
  stored: 'dim',
};
export const severityColors: Readonly<Record<Severity, Color>> = { critical: 'red', high: 'red', medium: 'yellow', low: 'dim' };
