import { compileRules } from '../../services/lib/rules/compile.ts';
import type { Rule, RulesFile } from '../../services/lib/rules/rules-file.ts';
import { spanMsOf } from '../../services/lib/rules/span.ts';

/** What a publication means for one rule. */
export interface RuleChange {
  readonly id: string;
  /** keeps: its memory and cooldowns; new: begins empty, its alerts are warming for `warmingMs`; off, gone: what it remembers is forgotten. */
  readonly change: 'keeps' | 'new' | 'off' | 'gone';
  /** `v1 live` and the like; undefined where the file has no such rule. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly warmingMs?: number;
}

/** Rule by rule, in the order of the new file, then those that go. */
export function changesOf(before: RulesFile, after: RulesFile): RuleChange[] {
  const spans = new Map(compileRules(after).rules.map((rule) => [rule.id, spanMsOf(rule)]));
  const old = new Map(before.rules.map((rule) => [rule.id, rule]));
  const now = after.rules.map((rule): RuleChange => {
    const was = old.get(rule.id);
    const told = { id: rule.id, before: was && worded(was), after: worded(rule) };
    if (rule.mode === 'off') return { ...told, change: 'off' };
    if (was?.version === rule.version) return { ...told, change: 'keeps' };
    return { ...told, change: 'new', warmingMs: spans.get(rule.id) ?? 0 };
  });
  const kept = new Set(after.rules.map(({ id }) => id));
  const gone = before.rules.filter(({ id }) => !kept.has(id));
  return [...now, ...gone.map((rule): RuleChange => ({ id: rule.id, change: 'gone', before: worded(rule), after: undefined }))];
}

const worded = ({ version, mode, action }: Rule): string => `v${version} ${mode}${action === 'lock' ? ' lock' : ''}`;

const words = { keeps: 'keeps its memory', new: 'begins empty', off: 'does not run', gone: 'goes' } as const;

export function changesText(changes: readonly RuleChange[], before: RulesFile, after: RulesFile): string[] {
  const rows = changes.map(({ id, change, before: from = '-', after: to = '-', warmingMs }) => {
    const warming = warmingMs === undefined ? '' : `, its alerts say warming for ${warmingMs / 1_000} s of event time`;
    return [id, `${from} → ${to}`, `${words[change]}${warming}`];
  });
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return [
    ...rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
    ...(['disorder', 'lateness', 'maxAhead'] as const).flatMap((name) =>
      before.time[name] === after.time[name] ? [] : [`  time.${name} ${before.time[name]} → ${after.time[name]}`],
    ),
  ];
}
