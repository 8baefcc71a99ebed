import { isLoopbackUrl } from '../../services/lib/process/config.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `5s`, `1.5m`, `2h` to ms. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new Error('expected a duration such as 500ms, 5s, 2m or 1h');
  return Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? 1));
}

/** `2%` to 0.02; at most `max` percent. */
export const parsePercent =
  (max = 100) =>
  (text: string): number => {
    const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
    if (!match || Number(match[1]) > max) throw new Error(`expected a percentage up to ${max}% such as 2%`);
    return Number(match[1]) / 100;
  };

export const parseInteger =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) throw new Error(`expected a whole number from ${min} to ${max}`);
    return value;
  };

export const parseOneOf =
  <T extends string>(...allowed: readonly T[]) =>
  (text: string): T => {
    const found = allowed.find((a) => a === text);
    if (found === undefined) throw new Error(`expected one of ${allowed.join(', ')}`);
    return found;
  };

export function parseText(text: string): string {
  if (text === '') throw new Error('expected a text');
  return text;
}

/** A date is its midnight in UTC; epoch ms. */
export function parseInstant(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new Error('expected a time such as 2026-11-23 or 2026-11-23T08:00:00Z');
  return time;
}

export function parseLoopbackUrl(text: string): string {
  if (!isLoopbackUrl(text)) throw new Error('expected a loopback URL such as http://127.0.0.1:4567; for a stage use --stage');
  return text;
}

export function parseStage(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(text)) throw new Error('expected a stage such as staging');
  return text;
}
