/** Whole, with thousands separators. */
export const number = (n: number): string => Math.round(n).toLocaleString('en-US');

/** `1 event`, `2,000 events`. */
export const counted = (n: number, noun: string): string => `${number(n)} ${noun}${n === 1 ? '' : 's'}`;

export const iso = (ms: number): string => new Date(ms).toISOString();
