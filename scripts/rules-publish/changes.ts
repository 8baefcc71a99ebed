import { isDeepStrictEqual } from 'node:util';
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
  /** What else differs, `count.atLeast 3 → 2`; not owner and description, which change nothing. */
  readonly differs?: readonly string[];
}

/** Rule by rule, in the order of the new file, then those that go. */
export function changesOf(before: RulesFile, after: RulesFile): RuleChange[] {
  const spans = new Map(compileRules(after).rules.map((rule) => [rule.id, spanMsOf(rule)]));
  const old = new Map(before.rules.map((rule) => [rule.id, rule]));
  const now = after.rules.map((rule): RuleChange => {
    const was = old.get(rule.id);
    const differs = was === undefined ? [] : differences(was, rule);
    const told = { id: rule.id, before: was && worded(was), after: worded(rule), ...(differs.length > 0 && { differs }) };
    if (rule.mode === 'off') return { ...told, change: 'off' };
    if (was?.version === rule.version) return { ...told, change: 'keeps' };
    return { ...told, change: 'new', warmingMs: spans.get(rule.id) ?? 0 };
  });
  const kept = new Set(after.rules.map(({ id }) => id));
  const gone = before.rules.filter(({ id }) => !kept.has(id));
  return [...now, ...gone.map((rule): RuleChange => ({ id: rule.id, change: 'gone', before: worded(rule), after: undefined }))];
}

const worded = ({ version, mode, action }: Rule): string => `v${version} ${mode}${action === 'lock' ? ' lock' : ''}`;

/** Told beside it, or without effect. */
const untold: ReadonlySet<string> = new Set(['version', 'mode', 'action', 'owner', 'description']);

function differences(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isFields(before) || !isFields(after)) return [`${path.join('.')} ${plain(before)} → ${plain(after)}`];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => path.length > 0 || !untold.has(name));
  return names.flatMap((name) => differences(before[name], after[name], [...path, name]));
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const plain = (value: unknown): string => (value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value));

const words = { keeps: 'keeps its memory', new: 'begins empty', off: 'does not run', gone: 'goes' } as const;

export function changesText(changes: readonly RuleChange[], before: RulesFile, after: RulesFile): string[] {
  const rows = changes.map(({ id, change, before: from = '-', after: to = '-', warmingMs, differs = [] }) => {
    const warming = warmingMs === undefined ? '' : `, its alerts say warming for ${warmingMs / 1_000} s of event time`;
    return [id, `${from} → ${to}`, [`${words[change]}${warming}`, ...differs].join('; ')];
  });
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return [
    ...rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
    ...(['disorder', 'lateness', 'maxAhead'] as const).flatMap((name) =>
      before.time[name] === after.time[name] ? [] : [`  time.${name} ${before.time[name]} → ${after.time[name]}`],
    ),
  ];
}
