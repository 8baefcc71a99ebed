import { setTimeout as sleep } from 'node:timers/promises';
import { AlertEvidence } from '../alert-evidence.ts';
import { type CounterName, countedBetween, DetectorCounters } from '../detector-counters.ts';
import { NotRecovered, untilRecovered } from '../recovery.ts';
import type { Session } from '../session.ts';
import type { Fault } from './faults.ts';
import { phasesOf, type Tools } from './phases.ts';

/** KCL 3.x may need two minutes and a half when its leader was killed. */
const recoveryDeadlineMs = 240_000;
/** A fault strikes at any moment between two snapshots, and not only when the last recovery was seen: twice the interval that services have here. */
const maxPauseMs = 6_000;

/** What was done, and how it was met. Times are epoch ms. */
export interface FaultRow {
  readonly name: string;
  readonly startedAt: number;
  /** From where `resumedMs` and `recoveredMs` count: the blow, or the end of an outage. */
  readonly from: number;
  /** Until an alert raised by a record sent after the fault had come from every shard. */
  readonly resumedMs: number | undefined;
  /** Until all was seen: no lag, every shard read, no alert left to publish. Undefined: never. */
  readonly recoveredMs: number | undefined;
  /** Counted by the detector meanwhile. */
  readonly counted: Partial<Record<CounterName, number>>;
}

export interface Campaign {
  readonly rows: readonly FaultRow[];
  /** Why it ended early. */
  readonly broken: string | undefined;
}

/** Does one fault after the other, each when the last was recovered from; ends early when one is not, or when the time is over. */
export async function runCampaign(
  session: Session,
  tools: Tools,
  faults: readonly Fault[],
  { maxMs, ...on }: { readonly maxMs: number; readonly onEvent: (what: string) => void; readonly onLook: () => Promise<void> },
): Promise<Campaign> {
  const { system, traffic, say } = session;
  const evidence = new AlertEvidence((eventId) => traffic.answeredAt(eventId));
  const counters = new DetectorCounters(system);
  const onLook = async (): Promise<void> => void (await Promise.all([counters.look(), on.onLook()]));
  const startedAt = Date.now();
  const rows: FaultRow[] = [];
  const secondsIn = (): string => `${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s`;

  const until = (since: number) => untilRecovered(session, evidence, { since, deadlineMs: recoveryDeadlineMs, onLook });
  try {
    await until(startedAt);
    say(`${secondsIn()}  everything runs, alerts come from every shard`);
    for (const [number, fault] of faults.entries()) {
      for (const phase of phasesOf(fault, tools)) {
        if (Date.now() - startedAt > maxMs) return { rows, broken: `not all faults were done within ${maxMs / 60_000} minutes` };
        await sleep(tools.random.integer(0, maxPauseMs), undefined, { signal: session.signal });
        const before = counters.read();
        const row = { name: phase.name, startedAt: Date.now() };
        say(`${secondsIn()}  ${number + 1}/${faults.length} ${phase.name}`);
        on.onEvent(phase.name);
        const from = await phase.act();
        try {
          const { resumedAt, recoveredAt } = await until(Date.now());
          const counted = countedBetween(before, counters.read());
          rows.push({ ...row, from, resumedMs: resumedAt - from, recoveredMs: recoveredAt - from, counted });
          say(`${secondsIn()}        recovered after ${((recoveredAt - from) / 1_000).toFixed(1)} s`);
          on.onEvent(`recovered from: ${phase.name}`);
        } catch (error) {
          if (!(error instanceof NotRecovered)) throw error;
          rows.push({ ...row, from, resumedMs: undefined, recoveredMs: undefined, counted: countedBetween(before, counters.read()) });
          return { rows, broken: `${phase.name}: ${error.message}` };
        }
      }
    }
    return { rows, broken: undefined };
  } catch (error) {
    if (!(error instanceof NotRecovered)) throw error;
    return { rows, broken: `before the first fault: ${error.message}` };
  }
}
