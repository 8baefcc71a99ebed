import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalSystem } from '../../demo/local-system.ts';
import type { ServiceProcess } from '../../demo/service-process.ts';
import { killed } from '../blows.ts';
import type { Phase } from '../campaign.ts';

const strikePollMs = 2;
const strikeDeadlineMs = 60_000;
const settleMs = 300;
const gateHeld = `SELECT COUNT(*) AS n FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
  WHERE c.relname = 'load_gate' AND l.granted AND l.mode = 'RowExclusiveLock'`;

/**
 * A machine that hangs past its leases and comes back, believing that it owns its shards and commits. It is stopped inside a load
 * transaction, which holds the gate: the next committer must get past that, and what the zombie tries to commit must be refused.
 */
export function zombiePhases({ system, signal }: { readonly system: LocalSystem; readonly signal: AbortSignal }): Phase[] {
  const first = system.services['redshift-loader'];
  let second: ServiceProcess | undefined;
  return [
    {
      name: 'SIGSTOP within a load, a second task takes over',
      act: async () => {
        const at = await stopWithinLoad(system, first, signal);
        second = system.addTask('redshift-loader');
        await second.start();
        return at;
      },
    },
    {
      name: 'SIGCONT, the zombie goes on',
      act: async () => {
        first.resume();
        return Date.now();
      },
    },
    { name: 'the second task stops', act: () => killed(async () => second?.stop()) },
  ];
}

/** Resolves to when it was stopped. */
async function stopWithinLoad({ warehouse }: LocalSystem, task: ServiceProcess, signal: AbortSignal): Promise<number> {
  const session = await warehouse.connect();
  const isHeld = async (): Promise<boolean> => Number((await session.query(gateHeld)).rows[0]?.['n']) > 0;
  const deadline = performance.now() + strikeDeadlineMs;
  try {
    for (;;) {
      if (performance.now() > deadline) throw new Error(`no load was met within ${strikeDeadlineMs / 1_000} s`);
      if (!(await isHeld())) {
        await sleep(strikePollMs, undefined, { signal });
        continue;
      }
      const at = Date.now();
      task.pause({ launcher: true });
      // What it had sent before is carried out; a commit that was among it lets go of the gate.
      await sleep(settleMs, undefined, { signal });
      if (await isHeld()) return at;
      task.resume();
    }
  } finally {
    await session.close();
  }
}
