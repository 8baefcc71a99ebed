import type { BookingEvent } from '../events/booking-event.ts';
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
  readonly atLeast: number;
  readonly withinMs: number;
  readonly cooldownMs: number;
  matches(event: BookingEvent): boolean;
}

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
  const conditions = Object.entries(rule.when).map(([field, values]) => ({ field, allowed: new Set<unknown>(values) }));
  return {
    id: rule.id,
    version: rule.version,
    mode: rule.mode,
    action: rule.action ?? 'notify',
    severity: rule.severity,
    atLeast: rule.count.atLeast,
    withinMs: milliseconds(rule.count.within),
    cooldownMs: milliseconds(rule.cooldown ?? 'PT0S'),
    matches: (event) =>
      conditions.every(({ field, allowed }) => Object.hasOwn(event, field) && allowed.has(event[field as keyof BookingEvent])),
  };
}

function milliseconds(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new PlatformError('RULES_INVALID', `not a duration: ${text}`);
  return ms;
}
