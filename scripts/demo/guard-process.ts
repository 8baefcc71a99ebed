import { join } from 'node:path';
import { accountGuard } from '../../services/account-guard/service.ts';
import { startLambda } from '../local/lambda/lambda.ts';
import type { LocalStack } from '../local/stack.ts';

/** account-guard's function and its subscription. */
export interface GuardProcess {
  /** Messages that it is not done with. */
  underWay(): number;
  /** Accounts that it was asked to lock and did, as far as this process saw: display only. */
  locked(): number;
  stop(): Promise<void>;
}

export interface GuardOptions {
  readonly stack: LocalStack;
  readonly env: Readonly<Record<string, string>>;
  /** It ended although nobody asked it to. */
  readonly onFailure: (error: Error) => void;
}

/** Subscribes account-guard as its definition says. Rejects with StartFailure. */
export async function startGuard({ stack, env, onFailure }: GuardOptions): Promise<GuardProcess> {
  const { name, lambda, subscribes: [subscribes] = [] } = accountGuard;
  const logFile = join(stack.runDir, 'logs', `${name}.log`);
  const started = await startLambda({ name, env, logFile, timeoutSeconds: lambda?.timeoutSeconds ?? 0 });
  let stopping = false;
  void started.process.exited.then(({ code, signal }) => {
    if (!stopping) onFailure(new Error(`${name} ended by itself (${signal ?? `exit code ${code}`}); its log is ${logFile}`));
  });
  const locked = new Set<string>();
  const subscription = stack.sns?.subscribe({
    topicArn: env['ALERTS_TOPIC_ARN'] ?? '',
    filterPolicy: subscribes?.filterPolicy ?? {},
    async invoke(event) {
      const result = await started.invoke(event);
      if (result.kind === 'done') for (const user of usersIn(event)) locked.add(user);
      return result;
    },
  });
  return {
    underWay: () => subscription?.underWay ?? 0,
    locked: () => locked.size,
    async stop() {
      stopping = true;
      await started.process.stop();
    },
  };
}

/** Whose accounts an event asks to lock: one user, none when the alert is warming. */
function usersIn(event: object): string[] {
  return (event as { Records: { Sns: { Message: string } }[] }).Records.flatMap(({ Sns }) => {
    const { key, warming } = JSON.parse(Sns.Message) as { key: string; warming?: boolean };
    return warming === true ? [] : [key];
  });
}
