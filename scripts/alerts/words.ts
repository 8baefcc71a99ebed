const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A span in its two largest units: `4 min 12 s`, `2 d 3 h`, `1.5 s`, `0 ms`. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((Math.floor(ms / 100) / 10).toFixed(1))} s`;
  const first = units.findIndex(([, unit]) => ms >= unit);
  const parts: string[] = [];
  let rest = ms;
  for (const [name, unit] of units.slice(first, first + 2)) {
    const whole = Math.floor(rest / unit);
    rest -= whole * unit;
    if (whole > 0) parts.push(`${whole} ${name}`);
  }
  return parts.join(' ');
}

/** `2026-11-23 10:04:12`, UTC. */
export const utc = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ');
/** `10:04:12.500`, UTC. */
export const timeOfDay = (epochMs: number): string => new Date(epochMs).toISOString().slice(11, 23);

export const counted = (n: number, noun: string): string => `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
