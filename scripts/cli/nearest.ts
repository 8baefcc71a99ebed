/**
 * The known name that a mistyped or shortened one may stand for; undefined when none is near: at most a third of the letters differ, two
 * in a short name, or the known name begins with it.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((k) => ({ k, d: distance(name, k) }))
    .filter(({ k, d }) => d <= Math.max(2, Math.floor(name.length / 3)) || (name !== '' && k.startsWith(name)));
  return near.sort((a, b) => a.d - b.d)[0]?.k;
}

/** Edit distance (Levenshtein), one row at a time. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
