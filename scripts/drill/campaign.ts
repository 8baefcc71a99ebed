import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../generate/random.ts';
import { countedBetween, type ServiceCounters } from './service-counters.ts';
import type { Session } from './session.ts';

/** A fault strikes at any moment between two snapshots, and not only when the last recovery was seen: twice the interval that services have here. */
const maxPauseMs = 6_000;

/** One step of a fault, recovered from before the next. */
export interface Phase {
  readonly name: string;
  /** Does it, and resolves when it is over with the moment its recovery counts from, epoch ms. */
  readonly act: () => Promise<number>;
  /** Longer is a failure of the drill. */
  readonly recoverWithinMs?: number;
}

export interface Recovery {
  /** What was sent after the fault had its effect from every open shard, epoch ms. */
  readonly resumedAt: number;
  /** All of it was seen, epoch ms. */
  readonly recoveredAt: number;
}

export class NotRecovered extends Error {
  override readonly name = 'NotRecovered';
}

/** What was done, and how it was met. Times are epoch ms. */
export interface FaultRow {
  readonly name: string;
  readonly startedAt: number;
  /** From where `resumedMs` and `recoveredMs` count: the blow, or the end of an outage. */
  readonly from: number;
  /** Until the effects of what was sent after the fault had come from every shard. */
  readonly resumedMs: number | undefined;
  /** Until all was seen. Undefined: never. */
  readonly recoveredMs: number | undefined;
  /** Counted by the service meanwhile. */
  readonly counted: Readonly<Record<string, number>>;
}

export interface Campaign {
  readonly rows: readonly FaultRow[];
  /** Why it ended early, or what was too slow. */
  readonly broken: string | undefined;
}

export interface CampaignOptions<N extends string> {
  /** The phases of each fault. */
  readonly faults: readonly (readonly Phase[])[];
  readonly random: Random;
  readonly maxMs: number;
  readonly counters: ServiceCounters<N>;
  /** Waits until a fault that was over at `since` is recovered from; rejects with NotRecovered, which says what was missing. */
  readonly recovered: (since: number) => Promise<Recovery>;
  /** Said once, when the first recovery was seen. */
  readonly allWell: string;
  readonly onEvent: (what: string) => void;
}

/** Does one fault after the other, each when the last was recovered from; ends early when one is not, or when the time is over. */
export async function runCampaign<N extends string>(
  { say, signal }: Pick<Session, 'say' | 'signal'>,
  { faults, random, maxMs, counters, recovered, allWell, onEvent }: CampaignOptions<N>,
): Promise<Campaign> {
  const startedAt = Date.now();
  const rows: FaultRow[] = [];
  const slow: string[] = [];
  const secondsIn = (): string => `${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s`;
  try {
    await recovered(startedAt);
    say(`${secondsIn()}  ${allWell}`);
    for (const [number, phases] of faults.entries()) {
      for (const phase of phases) {
        if (Date.now() - startedAt > maxMs) return { rows, broken: `not all faults were done within ${maxMs / 60_000} minutes` };
        await sleep(random.integer(0, maxPauseMs), undefined, { signal });
        const before = counters.read();
        const row = { name: phase.name, startedAt: Date.now() };
        say(`${secondsIn()}  ${number + 1}/${faults.length} ${phase.name}`);
        onEvent(phase.name);
        const from = await phase.act();
        const counted = (): FaultRow['counted'] => countedBetween(before, counters.read()) as FaultRow['counted'];
        try {
          const { resumedAt, recoveredAt } = await recovered(Date.now());
          const recoveredMs = recoveredAt - from;
          rows.push({ ...row, from, resumedMs: resumedAt - from, recoveredMs, counted: counted() });
          say(`${secondsIn()}        recovered after ${(recoveredMs / 1_000).toFixed(1)} s`);
          onEvent(`recovered from: ${phase.name}`);
          const { recoverWithinMs = Number.POSITIVE_INFINITY } = phase;
          if (recoveredMs > recoverWithinMs) slow.push(`${phase.name}: recovered after more than ${recoverWithinMs / 1_000} s`);
        } catch (error) {
          if (!(error instanceof NotRecovered)) throw error;
          rows.push({ ...row, from, resumedMs: undefined, recoveredMs: undefined, counted: counted() });
          return { rows, broken: `${phase.name}: ${error.message}` };
        }
      }
    }
    return { rows, broken: slow.length === 0 ? undefined : slow.join('; ') };
  } catch (error) {
    if (!(error instanceof NotRecovered)) throw error;
    return { rows, broken: `before the first fault: ${error.message}` };
  }
}
