import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalSystem } from '../../demo/local-system.ts';
import type { ServiceProcess } from '../../demo/service-process.ts';

const strikePollMs = 2;
const strikeDeadlineMs = 60_000;
const settleMs = 300;
const gateHeld = `SELECT COUNT(*) AS n FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
  WHERE c.relname = 'load_gate' AND l.granted AND l.mode = 'RowExclusiveLock'`;

/**
 * Stopped inside a load transaction, which holds the gate: the next committer must get past that, and what the zombie tries to commit must
 * be refused. Resolves to when it was stopped.
 */
export async function stopWithinLoad({ warehouse }: LocalSystem, task: ServiceProcess, signal: AbortSignal): Promise<number> {
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
