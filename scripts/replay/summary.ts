import type { Found } from './letters.ts';

interface Group {
  readonly stream: string;
  readonly reason: string;
  letters: number;
  oldestArrival: number;
  newestArrival: number;
}

/** Counts what was found, by stream and reason. */
export class Summary {
  readonly #groups = new Map<string, Group>();
  letters = 0;
  replayedBefore = 0;
  readonly unreadable: { readonly key: string; readonly error: string }[] = [];

  add(found: Found): void {
    if (found.kind === 'replayed-before') this.replayedBefore++;
    else if (found.kind === 'unreadable') this.unreadable.push({ key: found.key, error: found.error });
    else {
      const { stream, reason, arrivedAt } = found.letter;
      this.letters++;
      const name = JSON.stringify([stream, reason]);
      const group = this.#groups.get(name) ?? { stream, reason, letters: 0, oldestArrival: arrivedAt, newestArrival: arrivedAt };
      group.letters++;
      group.oldestArrival = Math.min(group.oldestArrival, arrivedAt);
      group.newestArrival = Math.max(group.newestArrival, arrivedAt);
      this.#groups.set(name, group);
    }
  }

  /** Most letters first. */
  get groups(): readonly Readonly<Group>[] {
    return [...this.#groups.values()].sort((a, b) => b.letters - a.letters);
  }

  get streams(): readonly string[] {
    return [...new Set(this.groups.map((group) => group.stream))].sort();
  }

  table(): string {
    const rows = this.groups.map((g) => [g.stream, g.reason, String(g.letters), time(g.oldestArrival), time(g.newestArrival)]);
    const all = [['stream', 'reason', 'letters', 'oldest arrival', 'newest arrival'], ...rows];
    const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
    return all
      .map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }
}

const time = (epochMs: number): string => new Date(epochMs).toISOString();
