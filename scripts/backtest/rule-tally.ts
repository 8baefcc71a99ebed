import { type BookingEvent, bookingEventSchema } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { CompiledRule } from '../../services/lib/rules/compile.ts';
import type { Rule } from '../../services/lib/rules/rules-file.ts';
import { nearest } from '../cli/nearest.ts';

const maxExamples = 3;

/** What one rule made of the file. */
export interface RuleFigures {
  readonly id: string;
  readonly version: number;
  readonly mode: Rule['mode'];
  /** Used events that fit `when` and carry what the condition reads. */
  readonly matched: number;
  readonly alerts: number;
  /** Alerts per used event. */
  readonly fireRate: number;
  readonly examples: readonly Alert[];
}

/** Counts for one rule, and finds out why it never matched. `off` rules are not compiled: they match nothing. */
export class RuleTally {
  readonly #rule: Rule;
  #matched = 0;
  #alerts = 0;
  readonly #examples: Alert[] = [];
  /** Fields that no event had so far. */
  readonly #missing: Set<string>;
  /** Fields of `when` of which no event had an allowed value so far. */
  readonly #unmet: Map<string, ReadonlySet<unknown>>;
  /** Kinds of values under `sum.field` in events that fit `when`; kept while none matched, so none of them can be summed. */
  readonly #notSummed = new Set<string>();

  constructor(rule: Rule) {
    this.#rule = rule;
    const read = [rule.sum?.field, rule.distinct?.field, rule.pairs?.on].filter((field) => field !== undefined);
    this.#missing = new Set([...Object.keys(rule.when), ...read]);
    this.#unmet = new Map(Object.entries(rule.when).map(([field, values]) => [field, new Set<unknown>(values)]));
  }

  see(event: BookingEvent): void {
    if (this.#missing.size > 0) for (const field of this.#missing) if (valueOf(event, field) !== undefined) this.#missing.delete(field);
    if (this.#unmet.size > 0) for (const [field, allowed] of this.#unmet) if (allowed.has(valueOf(event, field))) this.#unmet.delete(field);
    if (this.#rule.sum !== undefined && this.#matched === 0) this.#seeNotSummed(event, this.#rule.sum.field);
  }

  /** The rule for the engine, which asks it once for each event that it uses: what matches is counted there and not worked out again. */
  counting(rule: CompiledRule): CompiledRule {
    return {
      ...rule,
      matches: (event) => {
        const isMatch = rule.matches(event);
        if (isMatch) this.#matched++;
        return isMatch;
      },
    };
  }

  raise(alert: Alert): void {
    this.#alerts++;
    if (this.#examples.length < maxExamples) this.#examples.push(alert);
  }

  figures(used: number): RuleFigures {
    const { id, version, mode } = this.#rule;
    const fireRate = used === 0 ? 0 : this.#alerts / used;
    return { id, version, mode, matched: this.#matched, alerts: this.#alerts, fireRate, examples: this.#examples };
  }

  /** Why the rule can hardly be what its author meant. */
  get warnings(): string[] {
    const { id, mode, when, sum } = this.#rule;
    if (mode === 'off') return [];
    const missing = [...this.#missing].map((field) => `rule ${id}: no event has a field ${JSON.stringify(field)}${meantBy(field)}`);
    const unmet = [...this.#unmet.keys()]
      .filter((field) => !this.#missing.has(field))
      .map(
        (field) =>
          `rule ${id}: no event has ${field} = ${(when[field] ?? [])
            .slice(0, 5)
            .map((value) => JSON.stringify(value))
            .join(' or ')}`,
      );
    const notSummed =
      sum !== undefined && this.#matched === 0 && this.#notSummed.size > 0
        ? [
            `rule ${id}: sum takes whole numbers from 0, but events that fit when have only ${[...this.#notSummed].join(' or ')} in ${sum.field}`,
          ]
        : [];
    const reasons = [...missing, ...unmet, ...notSummed];
    return reasons.length > 0 || this.#matched > 0 ? reasons : [`rule ${id}: matched no event`];
  }

  #seeNotSummed(event: BookingEvent, field: string): void {
    const value = valueOf(event, field);
    const fits = Object.entries(this.#rule.when).every(([name, allowed]) => (allowed as readonly unknown[]).includes(valueOf(event, name)));
    if (fits && value !== undefined) this.#notSummed.add(kindOf(value));
  }
}

/** A booking event has no fractions, lists or the like. */
function kindOf(value: unknown): string {
  if (typeof value === 'number') return 'negative numbers';
  return typeof value === 'string' ? 'texts' : 'JSON objects';
}

function meantBy(field: string): string {
  const meant = Object.hasOwn(bookingEventSchema.shape, field) ? undefined : nearest(field, Object.keys(bookingEventSchema.shape));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

const valueOf = (event: BookingEvent, field: string): unknown =>
  Object.hasOwn(event, field) ? event[field as keyof BookingEvent] : undefined;
