import type { CompiledRule, RuleTime } from './compile.ts';
import { CountRule } from './count-rule.ts';
import { DistinctRule } from './distinct-rule.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { PairsRule } from './pairs-rule.ts';
import type { RuleMemory } from './rule-memory.ts';
import { SessionRule } from './session-rule.ts';
import { SumRule } from './sum-rule.ts';

export function memoryFor(rule: CompiledRule, time: RuleTime, limits: MemoryLimits): RuleMemory {
  const { condition } = rule;
  switch (condition.kind) {
    case 'count':
      return new CountRule(rule, condition, time, limits);
    case 'sum':
      return new SumRule(rule, condition, time, limits);
    case 'distinct':
      return new DistinctRule(rule, condition, time, limits);
    case 'pairs':
      return new PairsRule(rule, condition, time, limits);
    case 'session':
      return new SessionRule(rule, condition, time, limits);
  }
}

/** What a rule's state is found by: any change of what it means raises the version. */
export const addressOf = ({ id, version, condition }: CompiledRule): string => `${id}/${version}/${condition.kind}`;
