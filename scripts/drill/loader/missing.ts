import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listShards } from '../../../services/lib/kcl/shards.ts';
import { takeGate } from '../../../services/lib/warehouse/gate.ts';
import type { LoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import type { FileRow } from '../../../services/redshift-loader/registry/registry-rows.ts';
import type { LocalSystem } from '../../demo/local-system.ts';
import type { Random } from '../../generate/random.ts';
import { ServiceCounters } from '../service-counters.ts';
import type { LoadHistory } from './load-history.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const pollMs = 50;
const deadlineMs = 60_000;
const filesLooked = 10;

export interface MissingTools {
  readonly system: LocalSystem;
  readonly registry: LoadRegistry;
  readonly history: LoadHistory;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/**
 * Deletes the object of a file that is registered and not loaded, waits until the loader has said so and the other shards have gone on
 * without it, and repairs it as an operator does. Resolves to when the repair had ended, epoch ms.
 */
export async function missingObject({ system, registry, history, random, signal, say }: MissingTools): Promise<number> {
  const counters = new ServiceCounters(system, 'redshift-loader', ['objects_faulty', 'files_refused']);
  await counters.look();
  const before = counters.read();
  const open = (await listShards(system.kinesis, 'booking-events')).filter(({ closed }) => !closed).map(({ shardId }) => shardId);
  const shardId = random.pick(open);
  const file = await deleteUnloaded({ system, registry, signal }, shardId);
  const at = Date.now();
  const isTold = async (): Promise<boolean> => {
    await counters.look();
    const now = counters.read();
    return now.objects_faulty + now.files_refused > before.objects_faulty + before.files_refused;
  };
  const others = open.filter((other) => other !== shardId);
  await until('the loader tells of the missing object', isTold, signal);
  await until('the other shards go on', async () => others.every((other) => history.firstAfter(other, at) !== undefined), signal);
  if (history.uncommitted(new Map([[shardId, file.to]])).length === 0) throw new Error(`${shardId} was loaded without ${file.object?.key}`);
  say(`        ${shardId} waits, the others go on; npm run repair`);
  await repair(system);
  return Date.now();
}

/** While this session holds the gate nothing is committed. */
async function deleteUnloaded(
  { system, registry, signal }: Pick<MissingTools, 'system' | 'registry' | 'signal'>,
  shardId: string,
): Promise<FileRow> {
  const session = await system.warehouse.connect();
  try {
    await session.query('BEGIN');
    await takeGate(session);
    const head = await registry.head(shardId);
    let found: FileRow | undefined;
    const isRegistered = async (): Promise<boolean> => {
      found = (await registry.files(shardId, head, filesLooked)).find(({ object }) => object !== undefined);
      return found !== undefined;
    };
    await until('a file is registered', isRegistered, signal);
    if (found?.object === undefined) throw new Error('no file was registered');
    await system.objects.delete(found.object.key);
    await session.query('ROLLBACK');
    return found;
  } finally {
    await session.close();
  }
}

async function repair({ stack }: LocalSystem): Promise<void> {
  const command = ['--import', 'tsx', 'scripts/repair.ts', '--yes', '--json'];
  const { stdout } = await run(process.execPath, command, { cwd: root, env: stack.environment() });
  const { repaired } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { readonly repaired?: number };
  if (repaired !== 1) throw new Error(`npm run repair has not repaired one file: ${stdout}`);
}

async function until(what: string, isSo: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs / 1_000} s: ${what}`);
    await sleep(pollMs, undefined, { signal });
  }
}
