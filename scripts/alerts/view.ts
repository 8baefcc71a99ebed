import type { AlertRecord } from '../../services/fraud-detector/stored-alert.ts';
import type { Severity } from '../../services/lib/rules/rules-file.ts';
import type { Color } from './cells.ts';

export const states = ['pending', 'published', 'withheld'] as const;
/** `stored`: a shadow alert, which is never to be published. */
export type State = (typeof states)[number] | 'stored';

export function stateOf({ pending, withheldAt, publishedAt }: AlertRecord): State {
  if (pending) return 'pending';
  if (withheldAt !== undefined) return 'withheld';
  return publishedAt === undefined ? 'stored' : 'published';
}

/** One alert as a flat object, for machines. */
export function plain(record: AlertRecord) {
  const { alert, action, raisedAt, arrivedAt, warming, publishedAt, withheldAt } = record;
  return { ...alert, action, state: stateOf(record), raisedAt, arrivedAt, warming: warming ?? false, publishedAt, withheldAt };
}

export const stateColors: Readonly<Record<State, Color>> = { pending: 'yellow', published: 'green', withheld: 'magenta', stored: 'dim' };
export const severityColors: Readonly<Record<Severity, Color>> = { critical: 'red', high: 'red', medium: 'yellow', low: 'dim' };
