import type { Check, Outcome } from './check.ts';
import { Context } from './context.ts';
import { Session } from './session.ts';
import type { Target } from './target.ts';

/** One check, and its streams deleted behind it; a stream that cannot be deleted fails the check. */
export async function runCheck(check: Check, session: Session): Promise<Outcome> {
  const { id, needs = [] } = check;
  const unsupported = needs.filter((need) => !session.target.capabilities.includes(need));
  if (unsupported.length > 0) return { id, unsupported };
  let error: string | undefined;
  let left: string | undefined;
  try {
    await inTime(check.run(new Context(session)), session.target.checkMs);
  } catch (thrown) {
    error = messageOf(thrown);
    session.forgetShared();
  }
  try {
    await session.tidy();
  } catch (thrown) {
    left = messageOf(thrown);
  }
  const outcome = judge(id, error, session.target);
  return left === undefined ? outcome : { id, ok: false, error: [error, left].filter(Boolean).join('; ') };
}

/** A check that waits for something that never comes must not hold up the others. */
async function inTime(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${limitMs} ms`)), limitMs);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A difference that is listed must be there as listed, and one that is not must not. */
function judge(id: string, error: string | undefined, { differences, name }: Target): Outcome {
  const listed = differences[id];
  if (listed === undefined) return error === undefined ? { id, ok: true } : { id, ok: false, error };
  const { reason } = listed;
  if (error === undefined)
    return { id, ok: false, error: `${name} is listed as different here (${reason}), yet it passes: take it off the list` };
  if (listed.error.test(error)) return { id, ok: true, differs: reason };
  return { id, ok: false, error: `${name} is listed as different here (${reason}), yet it fails otherwise: ${error}` };
}

/** All of them, one after the other; `tell` hears each outcome. Every stream is deleted at the end, after failures and signals too. */
export async function runAll(
  checks: readonly Check[],
  target: Target,
  tell: (outcome: Outcome) => void,
  signal?: AbortSignal,
): Promise<void> {
  const session = new Session(target);
  try {
    for (const check of checks) {
      if (signal?.aborted) break;
      tell(await runCheck(check, session));
    }
  } finally {
    await session.close();
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
