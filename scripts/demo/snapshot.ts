import type { Alert } from '../../services/lib/rules/alert.ts';
import type { ServiceName } from './flags.ts';
import type { ServiceState } from './service-process.ts';

export type Phase = 'starting' | 'running' | 'draining' | 'judging' | 'passed' | 'failed' | 'stopping' | 'stopped';

/** What the page and the status line show. Times are epoch ms, rates per second. */
export interface Snapshot {
  readonly phase: Phase;
  readonly now: number;
  /** First record sent; undefined before. */
  readonly sendingSince: number | undefined;
  /** When sending ends; undefined: never by itself. */
  readonly sendingUntil: number | undefined;
  readonly services: readonly { readonly name: ServiceName; readonly state: ServiceState; readonly starts: number }[];
  readonly totals: {
    readonly sent: number;
    readonly routed: number;
    readonly alerts: number;
    /** Accounts locked. */
    readonly locks: number;
    readonly rows: number;
    readonly repeats: number;
  };
  readonly drops: Readonly<Record<string, number>>;
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Not used by the rules: late, duplicate, future, invalid. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly rates: { readonly sent: number; readonly routed: number; readonly rows: number };
  /** One point a second, the oldest first. */
  readonly history: readonly RatePoint[];
  /** How far each shard's reader is behind, ms. */
  readonly lag: readonly { readonly service: ServiceName; readonly shard: string; readonly ms: number }[];
  /** The newest event time in the warehouse. */
  readonly dataAsOf: number | undefined;
  readonly detect: { readonly p50: number; readonly p95: number } | undefined;
  /** Newest first. */
  readonly alerts: readonly ShownAlert[];
  /** What was done to the system, newest first. */
  readonly disturbances: readonly { readonly at: number; readonly what: string }[];
  /** How it ended, in a few words. */
  readonly conclusion: string | undefined;
}

export interface RatePoint {
  readonly at: number;
  readonly sent: number;
  readonly routed: number;
  readonly rows: number;
}

export interface ShownAlert extends Pick<Alert, 'alertId' | 'ruleId' | 'severity' | 'key' | 'at' | 'value' | 'evidence'> {
  readonly receivedAt: number;
}
