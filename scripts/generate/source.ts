import type { Flags } from '../cli/flags.ts';
import { planRecords } from './faults.ts';
import type { trafficFlags } from './flags.ts';
import type { PlannedRecord } from './planned-record.ts';
import { defaultEpisodeEveryMs, traffic, usersFor } from './traffic.ts';

export interface Source extends Flags<typeof trafficFlags> {
  readonly format?: 'changes' | 'events';
  /** Epoch ms. */
  readonly startMs: number;
  /** Infinity: endless. */
  readonly durationMs: number;
  /** Mean pause between planted episodes. @default 1.2 s */
  readonly episodeEveryMs?: number;
}

/** The records of one run, by its flags. */
export function recordsOf(source: Source): Generator<PlannedRecord, void, void> {
  const { seed, rate, startMs, format = 'changes', duplicates, late, future, malformed, episodeEveryMs = defaultEpisodeEveryMs } = source;
  const endMs = startMs + source.durationMs;
  const changes = traffic({ seed, startMs, rate, endMs, users: usersFor(rate), episodeEveryMs });
  return planRecords(changes, {
    seed,
    format,
    startMs,
    endMs,
    faults: { duplicates, disorderMs: source.disorder, late, future, malformed },
  });
}
