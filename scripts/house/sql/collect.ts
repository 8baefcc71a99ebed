import { Recorder, type Sent } from './recorder.ts';
import { holds, type Site } from './sites.ts';

/** By name; each sends what its part of the code sends. */
export type Runs = Readonly<Record<string, (recorder: Recorder) => Promise<unknown>>>;

export interface Collected {
  readonly sent: readonly Sent[];
  /** Runs that did not come to their end, with the reason. */
  readonly failures: readonly string[];
}

/** Runs all that talks to the warehouse, in both dialects. */
export async function collect(root: string, runs: Runs): Promise<Collected> {
  const sent: Sent[] = [];
  const failures: string[] = [];
  for (const dialect of ['redshift', 'postgres'] as const) {
    for (const [name, run] of Object.entries(runs)) {
      const recorder = new Recorder(dialect, root);
      try {
        await run(recorder);
      } catch (error) {
        const { message } = error as Error;
        failures.push(
          `the run "${name}" of scripts/house/sql/runs.ts ended in ${dialect} with: ${message}. Give it what the code now needs, or the answer that it now waits for.`,
        );
      }
      sent.push(...recorder.sent);
    }
  }
  return { sent, failures };
}

/** Places whose statement no run sent. */
export function uncollected(sites: readonly Site[], sent: readonly Sent[]): Site[] {
  const calls = new Set(sent.flatMap((one) => one.calls));
  const texts = [...new Set(sent.map(({ sql }) => sql))];
  return sites.filter(({ file, line, column, parts }) =>
    parts === undefined ? !calls.has(`${file}:${line}:${column}`) : !texts.some((sql) => holds(sql, parts)),
  );
}
