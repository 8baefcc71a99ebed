import type { BookingEvent, EventType } from '../events/booking-event.ts';
import { PlatformError } from '../process/errors.ts';
import { durationMs } from './duration.ts';
import type { Rule, RuleAction, RuleMode, RulesFile, Severity } from './rules-file.ts';

export interface RuleTime {
  readonly disorderMs: number;
  readonly latenessMs: number;
  readonly maxAheadMs: number;
}

export interface CompiledRule {
  readonly id: string;
  readonly version: number;
  readonly mode: RuleMode;
  readonly action: RuleAction;
  readonly severity: Severity;
  readonly cooldownMs: number;
  /**
   * Whether the rule records the event: `when` holds, and the event carries what the condition reads. So a matching event has, for
   * `sum`, a non-negative safe integer in `field`; for `distinct`, a JSON scalar in `field`; for `pairs`, `open` or `close` as its type
   * and a JSON scalar in `on`.
   */
  matches(event: BookingEvent): boolean;
  readonly condition: Condition;
}

/** What must come together among the matching events of one key. Both ends of a span are inclusive. */
export type Condition =
  | { readonly kind: 'count'; readonly atLeast: number; readonly withinMs: number }
  /** `atLeast` ≤ 2^40. */
  | { readonly kind: 'sum'; readonly field: string; readonly atLeast: number; readonly withinMs: number }
  /** Values are told apart by type and value. */
  | { readonly kind: 'distinct'; readonly field: string; readonly atLeast: number; readonly withinMs: number }
  /** `open` and `close` differ. `on` values are told apart by type and value. */
  | {
      readonly kind: 'pairs';
      readonly open: EventType;
      readonly close: EventType;
      readonly on: string;
      readonly maxGapMs: number;
      readonly atLeast: number;
      readonly withinMs: number;
    }
  | { readonly kind: 'session'; readonly gapMs: number; readonly atLeast: number };

/** A rules file made ready to evaluate: `off` rules are gone, the others keep the file's order. */
export interface CompiledRules {
  readonly time: RuleTime;
  readonly rules: readonly CompiledRule[];
}

export function compileRules(file: RulesFile): CompiledRules {
  return {
    time: {
      disorderMs: milliseconds(file.time.disorder),
      latenessMs: milliseconds(file.time.lateness),
      maxAheadMs: milliseconds(file.time.maxAhead),
    },
    rules: file.rules.filter((rule) => rule.mode !== 'off').map(compileRule),
  };
}

function compileRule(rule: Rule): CompiledRule {
  const condition = conditionOf(rule);
  const tests = [...Object.entries(rule.when).map(([field, values]) => allowedIn(field, values)), ...readable(condition)];
  return {
    id: rule.id,
    version: rule.version,
    mode: rule.mode,
    action: rule.action ?? 'notify',
    severity: rule.severity,
    cooldownMs: milliseconds(rule.cooldown ?? 'PT0S'),
    matches: allOf(tests),
    condition,
  };
}

function conditionOf({ id, count, sum, distinct, pairs, session }: Rule): Condition {
  if (count !== undefined) return { kind: 'count', atLeast: count.atLeast, withinMs: milliseconds(count.within) };
  if (sum !== undefined) return { kind: 'sum', field: sum.field, atLeast: sum.atLeast, withinMs: milliseconds(sum.within) };
  if (distinct !== undefined) {
    return { kind: 'distinct', field: distinct.field, atLeast: distinct.atLeast, withinMs: milliseconds(distinct.within) };
  }
  if (pairs !== undefined) {
    const { open, close, on, atLeast } = pairs;
    return { kind: 'pairs', open, close, on, maxGapMs: milliseconds(pairs.maxGap), atLeast, withinMs: milliseconds(pairs.within) };
  }
  if (session !== undefined) return { kind: 'session', gapMs: milliseconds(session.gap), atLeast: session.atLeast };
  throw new PlatformError('RULES_INVALID', `rule ${id} has no condition`);
}

type Test = (event: BookingEvent) => boolean;

/** One test, as most rules have, is asked itself. */
function allOf(tests: readonly Test[]): Test {
  const [only] = tests;
  return tests.length === 1 && only !== undefined ? only : (event) => tests.every((test) => test(event));
}

/** What an object inherits is never a scalar, so no allowed value can be met by it. */
function allowedIn(field: string, values: readonly unknown[]): Test {
  if (values.length === 1) {
    const [only] = values;
    return (event) => event[field as keyof BookingEvent] === only;
  }
  const allowed = new Set(values);
  return (event) => allowed.has(event[field as keyof BookingEvent]);
}

/** Whether an event carries what the condition reads. */
function readable(condition: Condition): Test[] {
  switch (condition.kind) {
    case 'count':
    case 'session':
      return [];
    case 'sum': {
      const field = condition.field as keyof BookingEvent;
      return [(event) => Number.isSafeInteger(event[field]) && (event[field] as number) >= 0];
    }
    case 'distinct': {
      const field = condition.field as keyof BookingEvent;
      return [(event) => isScalar(event[field])];
    }
    case 'pairs': {
      const { open, close } = condition;
      const on = condition.on as keyof BookingEvent;
      return [(event) => (event.type === open || event.type === close) && isScalar(event[on])];
    }
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value);
}

function milliseconds(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new PlatformError('RULES_INVALID', `not a duration: ${text}`);
  return ms;
}
