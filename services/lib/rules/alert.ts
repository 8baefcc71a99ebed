import { hash } from 'node:crypto';
import type { CompiledRule } from './compile.ts';
import type { RuleMode, Severity } from './rules-file.ts';

export interface Evidence {
  readonly eventId: string;
  /** Epoch ms. */
  readonly occurredAt: number;
}

/** What is stored and published, once per alertId. */
export interface Alert {
  readonly alertId: string;
  readonly ruleId: string;
  readonly ruleVersion: number;
  readonly mode: RuleMode;
  readonly severity: Severity;
  readonly key: string;
  /** Event time of the newest evidence, epoch ms. */
  readonly at: number;
  /** The event whose arrival made the rule hold; not always the newest. */
  readonly triggeredBy: string;
  /** Events (`pairs`: pairs) in the evidence, the sum, or the number of distinct values. */
  readonly value: number;
  readonly evidenceCount: number;
  /** In time order; above 100 events the first and the last 50. */
  readonly evidence: readonly Evidence[];
}

const maxEvidence = 100;

/** The same alert has the same id however often it is found again. */
export function alertIdOf(ruleId: string, ruleVersion: number, key: string, newestEventId: string): string {
  return hash('sha256', JSON.stringify([ruleId, ruleVersion, key, newestEventId]), 'hex').slice(0, 32);
}

/** `evidence`: all of it, in time order, at least one event. `value`: see Alert. */
export function alertOf(rule: CompiledRule, key: string, triggeredBy: string, evidence: readonly Evidence[], value: number): Alert {
  const newest = evidence.at(-1);
  if (newest === undefined) throw new RangeError('an alert needs evidence');
  return {
    alertId: alertIdOf(rule.id, rule.version, key, newest.eventId),
    ruleId: rule.id,
    ruleVersion: rule.version,
    mode: rule.mode,
    severity: rule.severity,
    key,
    at: newest.occurredAt,
    triggeredBy,
    value,
    evidenceCount: evidence.length,
    evidence: evidence.length <= maxEvidence ? evidence : [...evidence.slice(0, maxEvidence / 2), ...evidence.slice(-maxEvidence / 2)],
  };
}
