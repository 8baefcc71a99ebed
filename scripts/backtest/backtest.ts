import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import { compileRules } from '../../services/lib/rules/compile.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { type Difference, Differences } from './difference.ts';
import { EventLines } from './event-lines.ts';
import type { ShardPlan } from './flags.ts';
import { LateTally } from './late-tally.ts';
import type { Line } from './lines.ts';
import { RuleTally } from './rule-tally.ts';
import { changedUnderOneVersion } from './same-version.ts';
import { ShardedEngine } from './sharded-engine.ts';
import type { Summary } from './summary.ts';
import { TopTally } from './tally.ts';
import { counted, iso } from './words.ts';

/** Keys with alerts that are counted one by one. */
const countedKeys = 10_000;
const shownKeys = 10;

/** Rules over the lines of an event file, one line after the other; what it keeps does not grow with the file. */
export class Backtest {
  readonly #lines = new EventLines();
  readonly #engine: ShardedEngine;
  /** By rule id, in file order. */
  readonly #tallies: ReadonlyMap<string, RuleTally>;
  readonly #topKeys = new TopTally(countedKeys);
  readonly #before: { readonly engine: ShardedEngine; readonly differences: Differences } | undefined;
  /** Warnings that hold whatever the events are. */
  readonly #ofFiles: readonly string[];
  readonly #late: LateTally;
  #used = 0;
  #duplicate = 0;
  #alerts = 0;
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;

  /** `against`: the rules that stand, which `rules` would replace. */
  constructor(rules: RulesFile, plan: ShardPlan, against?: RulesFile) {
    const compiled = compileRules(rules);
    this.#tallies = new Map(rules.rules.map((rule) => [rule.id, new RuleTally(rule)]));
    const counting = compiled.rules.map((rule) => this.#tallies.get(rule.id)?.counting(rule) ?? rule);
    this.#late = new LateTally(compiled.time);
    this.#engine = new ShardedEngine({ ...compiled, rules: counting }, plan);
    const idle = noRuleRuns(rules);
    this.#ofFiles = [...(idle === undefined ? [] : [idle]), ...(against === undefined ? [] : changedUnderOneVersion(against, rules))];
    if (against !== undefined) {
      this.#before = { engine: new ShardedEngine(compileRules(against), plan), differences: new Differences() };
    }
  }

  get events(): number {
    return this.#lines.events;
  }

  get alerts(): number {
    return this.#alerts;
  }

  /** What the line raises, in the order in which it is raised. */
  read(line: Line): (Alert | Difference)[] {
    const event = this.#lines.read(line);
    if (event === undefined) return [];
    const alerts = this.#apply(event);
    for (const alert of alerts) {
      this.#alerts++;
      this.#tallies.get(alert.ruleId)?.raise(alert);
      this.#topKeys.add(alert.key);
    }
    if (this.#before === undefined) return [...alerts];
    const before = this.#before.engine.apply(event);
    return [...alerts, ...this.#before.differences.compare(before.kind === 'used' ? before.alerts : [], alerts)];
  }

  summary(interrupted: boolean): Summary {
    const { lines, events, bad } = this.#lines;
    const evicted = this.#engine.evicted;
    return {
      type: 'summary',
      interrupted,
      lines,
      events,
      used: this.#used,
      late: this.#late.late,
      duplicate: this.#duplicate,
      bad: { total: lines - events, reasons: bad },
      ...(this.#used === 0 ? {} : { from: iso(this.#from), to: iso(this.#to) }),
      alerts: this.#alerts,
      rules: [...this.#tallies.values()].map((tally) => tally.figures(this.#used)),
      topKeys: { exact: this.#topKeys.isExact, keys: this.#topKeys.top(shownKeys) },
      evicted,
      ...(this.#before === undefined ? {} : { difference: this.#before.differences.figures }),
      warnings: this.#warnings(evicted, interrupted),
    };
  }

  #apply(event: BookingEvent): readonly Alert[] {
    const applied = this.#engine.apply(event);
    if (applied.kind === 'skipped') {
      if (applied.reason === 'late') this.#late.late++;
      else this.#duplicate++;
      return [];
    }
    this.#used++;
    this.#late.used(event.occurredAt, this.#to, this.#lines.number);
    this.#from = Math.min(this.#from, event.occurredAt);
    this.#to = Math.max(this.#to, event.occurredAt);
    for (const tally of this.#tallies.values()) tally.see(event);
    return applied.alerts;
  }

  #warnings(evicted: number, interrupted: boolean): string[] {
    const { lines, events } = this.#lines;
    const doubt = interrupted && lines === 0 ? undefined : this.#lines.doubt;
    const lost = evicted > 0 ? [`memory bounds evicted ${counted(evicted, 'event')}: alerts may be missing`] : [];
    const pending = this.#engine.pendingReshards;
    const notResharded =
      pending.length > 0
        ? [`--reshard-at ${pending.join(',')} did not happen: there ${events === 1 ? 'was' : 'were'} ${counted(events, 'event')}`]
        : [];
    const ofRules = this.#used > 0 ? [...this.#tallies.values()].flatMap((tally) => tally.warnings) : [];
    return [
      ...(doubt === undefined ? [] : [doubt]),
      ...this.#late.warnings(events),
      ...lost,
      ...notResharded,
      ...ofRules,
      ...this.#ofFiles,
    ];
  }
}

/** Why there can be no alert, whatever the events are; undefined when there can be one. */
function noRuleRuns({ rules }: RulesFile): string | undefined {
  if (rules.length === 0) return 'the rules file has no rules';
  return rules.every(({ mode }) => mode === 'off') ? 'all rules of the file are off' : undefined;
}
