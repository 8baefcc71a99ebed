import type { CompiledRule } from './compile.ts';

/**
 * How far an alert's evidence can reach back from its `at`, ms: a rule that missed events up to a time t may have missed evidence of
 * alerts at or before t + span. `pairs`: the first close, and from there its open.
 */
export function spanMsOf({ condition }: Pick<CompiledRule, 'condition'>): number {
  switch (condition.kind) {
    case 'count':
    case 'sum':
    case 'distinct':
      return condition.withinMs;
    case 'pairs':
      return condition.withinMs + condition.maxGapMs;
    case 'session':
      return condition.gapMs * (condition.atLeast - 1);
  }
}
