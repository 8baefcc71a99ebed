import { z } from 'zod';
import type { Aggregate } from '../../../services/lib/windows/aggregates/aggregate.ts';
import { avg } from '../../../services/lib/windows/aggregates/avg.ts';
import { count } from '../../../services/lib/windows/aggregates/count.ts';
import { distinct } from '../../../services/lib/windows/aggregates/distinct.ts';
import { max, min } from '../../../services/lib/windows/aggregates/extreme.ts';
import { sum } from '../../../services/lib/windows/aggregates/sum.ts';
import { CountEvictor } from '../../../services/lib/windows/evictors/count.ts';
import type { Evictor } from '../../../services/lib/windows/evictors/evictor.ts';
import { TimeEvictor } from '../../../services/lib/windows/evictors/time.ts';
import { ContinuousEventTimeTrigger } from '../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../services/lib/windows/triggers/first-of.ts';
import { PurgingTrigger } from '../../../services/lib/windows/triggers/purging.ts';
import { RepeatTrigger } from '../../../services/lib/windows/triggers/repeat.ts';
import { fire, fireAndFinish, goOn, type Trigger } from '../../../services/lib/windows/triggers/trigger.ts';
import { Unsupported } from './kind.ts';

/** How vectors write triggers, evictors and aggregates. */
export type Value = string | number;

export const aggregateNames = z.enum(['count', 'sum', 'min', 'max', 'avg', 'distinct', 'concat']);

/** `first`: what stands before the first of the joined values. */
export function aggregateNamed(name: z.infer<typeof aggregateNames>, first: '+' | ''): Aggregate<Value, unknown, unknown> {
  return name === 'concat' ? joined(first) : { count, sum, min, max, avg, distinct }[name];
}

/** An aggregate of one's own: the values in order, joined by '+'. */
const joined = (first: string): Aggregate<Value, readonly Value[], string> => ({
  create: () => [],
  add: (values, value) => [...values, value],
  merge: (a, b) => [...a, ...b],
  result: (values) => first + values.join('+'),
  save: (values) => values,
  load: (saved) => saved as readonly Value[],
});

/** Throws Unsupported for a trigger that is not understood. */
export function triggerFrom(text: string): Trigger<unknown> {
  const purging = /^(?:(.+), purging|(.+)\+purge)$/.exec(text);
  if (purging !== null) return new PurgingTrigger(triggerFrom(purging[1] ?? purging[2] ?? ''));
  const plain = text.replace(/, not purging$/, '');
  if (plain === 'event-time' || plain === 'default' || plain === 'watermark past end') return new EventTimeTrigger();
  const counted = /^count (\d+)$|^(\d+) elements$/.exec(plain);
  if (counted !== null) return new CountTrigger(Number(counted[1] ?? counted[2]));
  const continuous = /^continuous event time (\d+)$/.exec(plain);
  if (continuous !== null) return new ContinuousEventTimeTrigger(Number(continuous[1]));
  const repeated = /^repeat\((.+)\)$/.exec(plain);
  if (repeated !== null) return new RepeatTrigger(triggerFrom(repeated[1] ?? ''));
  const first = /^first of: (.+)$/.exec(plain);
  if (first !== null) return new FirstOfTrigger(...(first[1] ?? '').split(', ').map(triggerFrom));
  const scripted = /^mock: fire after (\d+), fire and finish after (\d+)$/.exec(plain);
  if (scripted !== null) return scriptedTrigger(Number(scripted[1]), Number(scripted[2]));
  throw new Unsupported(`trigger '${text}'`);
}

/** A trigger of one's own. */
const scriptedTrigger = (fireAt: number, finishAt: number): Trigger<unknown> => ({
  open: (saved = 0) => {
    let seen = saved as number;
    return {
      onRecord: () => {
        seen += 1;
        return seen === finishAt ? fireAndFinish : seen === fireAt ? fire : goOn;
      },
      onTimer: () => goOn,
      nextTimer: () => undefined,
      absorb: (other) => {
        seen += other as number;
      },
      save: () => seen,
    };
  },
});

/** Throws Unsupported for an evictor that is not understood. */
export function evictorFrom(text: string): Evictor<unknown> {
  const match = /^(time|count) (\d+), (before|after) the function$/.exec(text);
  if (match === null) throw new Unsupported(`evictor '${text}'`);
  const when = match[3] === 'after' ? 'after' : 'before';
  const amount = Number(match[2]);
  return match[1] === 'time' ? new TimeEvictor(amount, when) : new CountEvictor(amount, when);
}
