import os from 'node:os';
import type { Logger } from '../process/log.ts';

const metadataDeadlineMs = 2_000;

/**
 * The same for every daemon this task starts, so that a new one takes its leases back at once:
 * the configured id, else the id of the ECS task, else the host's name.
 */
export async function resolveWorkerId(
  options: { readonly configured: string | undefined; readonly local: boolean; readonly env: Readonly<Record<string, string | undefined>> },
  log: Logger,
): Promise<string> {
  if (options.configured !== undefined) return options.configured;
  const metadata = options.env['ECS_CONTAINER_METADATA_URI_V4'];
  if (metadata !== undefined && !options.local) {
    try {
      const answer = await fetch(`${metadata}/task`, { signal: AbortSignal.timeout(metadataDeadlineMs) });
      const task = ((await answer.json()) as { TaskARN?: string }).TaskARN?.split('/').at(-1);
      if (task) return task;
    } catch (err) {
      log.warn({ event: 'worker-id.metadata', err }, 'the task metadata does not answer: the host name is used as worker id');
    }
  }
  return os.hostname();
}
