import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '../../services/lib/rules/alert.ts';

export type Difference =
  | { readonly type: 'difference'; readonly change: 'only-before'; readonly before: Alert }
  | { readonly type: 'difference'; readonly change: 'only-after'; readonly after: Alert }
  /** The same rule at the same event, but `fields` of the alert differ. */
  | {
      readonly type: 'difference';
      readonly change: 'changed';
      readonly fields: readonly string[];
      readonly before: Alert;
      readonly after: Alert;
    };

export interface DifferenceFigures {
  readonly same: number;
  readonly onlyBefore: number;
  readonly onlyAfter: number;
  readonly changed: number;
}

/** Follow from the rule's version, which rises with any change. */
const ofTheVersion: ReadonlySet<string> = new Set(['alertId', 'ruleVersion']);

/**
 * Two rules files over the same events. Alerts are compared event by event: a rule raises at most one per event, so nothing needs to be
 * kept, and an alert that comes earlier or later counts as one gone and one new.
 */
export class Differences {
  readonly #byRule = new Map<string, { same: number; onlyBefore: number; onlyAfter: number; changed: number }>();

  /** What one event raised under either file. */
  compare(before: readonly Alert[], after: readonly Alert[]): Difference[] {
    const differences: Difference[] = [];
    for (const alert of before) {
      const other = after.find(({ ruleId }) => ruleId === alert.ruleId);
      if (other === undefined) {
        this.#of(alert).onlyBefore++;
        differences.push({ type: 'difference', change: 'only-before', before: alert });
        continue;
      }
      const fields = Object.keys(alert).filter(
        (name) => !ofTheVersion.has(name) && !isDeepStrictEqual(part(alert, name), part(other, name)),
      );
      if (fields.length === 0) this.#of(alert).same++;
      else {
        this.#of(alert).changed++;
        differences.push({ type: 'difference', change: 'changed', fields, before: alert, after: other });
      }
    }
    for (const alert of after) {
      if (before.some(({ ruleId }) => ruleId === alert.ruleId)) continue;
      this.#of(alert).onlyAfter++;
      differences.push({ type: 'difference', change: 'only-after', after: alert });
    }
    return differences;
  }

  get figures(): DifferenceFigures & { readonly rules: readonly (DifferenceFigures & { readonly id: string })[] } {
    const rules = [...this.#byRule].map(([id, figures]) => ({ id, ...figures })).sort((a, b) => (a.id < b.id ? -1 : 1));
    const sum = (of: keyof DifferenceFigures): number => rules.reduce((total, rule) => total + rule[of], 0);
    return { same: sum('same'), onlyBefore: sum('onlyBefore'), onlyAfter: sum('onlyAfter'), changed: sum('changed'), rules };
  }

  #of({ ruleId }: Alert): { same: number; onlyBefore: number; onlyAfter: number; changed: number } {
    const known = this.#byRule.get(ruleId) ?? { same: 0, onlyBefore: 0, onlyAfter: 0, changed: 0 };
    this.#byRule.set(ruleId, known);
    return known;
  }
}

const part = (alert: Alert, name: string): unknown => alert[name as keyof Alert];
