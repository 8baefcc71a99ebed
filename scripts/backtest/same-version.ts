import { isDeepStrictEqual } from 'node:util';
import type { Rule, RulesFile } from '../../services/lib/rules/rules-file.ts';

/** What a rule may change without another version. */
const free: ReadonlySet<string> = new Set(['version', 'owner', 'description']);

/**
 * Warns of rules that differ under one id and version. Live, such a file would keep what the old rule remembers and its cooldowns, while
 * both files' alerts here come from an empty memory.
 */
export function changedUnderOneVersion(before: RulesFile, after: RulesFile): string[] {
  return after.rules.flatMap((rule) => {
    const old = before.rules.find(({ id, version }) => id === rule.id && version === rule.version);
    if (old === undefined) return [];
    const fields = [...new Set([...Object.keys(old), ...Object.keys(rule)])].filter(
      (field) => !free.has(field) && !isDeepStrictEqual(old[field as keyof Rule], rule[field as keyof Rule]),
    );
    return fields.length === 0
      ? []
      : [`rule ${rule.id}: both files say version ${rule.version}, but differ in ${fields.join(', ')}: raise version`];
  });
}
