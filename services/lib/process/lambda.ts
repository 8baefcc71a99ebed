import { EmfWriter } from './emf.ts';
import { createLogger, type Logger, type LogLevel } from './log.ts';
import { Metrics } from './metrics.ts';

/** What one run of a Lambda reports by. */
export interface Invocation {
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface LambdaOptions {
  readonly service: string;
  readonly logLevel: LogLevel;
  readonly run: (event: unknown, invocation: Invocation) => Promise<void>;
  /** @default stdout, which Lambda takes to CloudWatch: JSON lines as logs, EMF among them as metrics */
  readonly write?: (line: string) => void;
}

/** What Lambda calls. Rejects as `run` does: a function error, after which Lambda tries again. Figures are those of one run. */
export type LambdaHandler = (event: unknown, context: { readonly awsRequestId: string }) => Promise<void>;

export function lambdaHandler({ service, logLevel, run, write = toStdout }: LambdaOptions): LambdaHandler {
  const log = createLogger(service, logLevel, write);
  return async (event, { awsRequestId }) => {
    const metrics = new Metrics();
    try {
      await run(event, { log: log.child({ requestId: awsRequestId }), metrics });
    } finally {
      const { counters, gauges, timings } = metrics.drain();
      const emf = new EmfWriter(service);
      for (const { name, labels, samplesMs } of timings) for (const ms of samplesMs) emf.observe(name, labels, ms);
      for (const object of emf.write({ counters, gauges }, Date.now())) write(`${JSON.stringify(object)}\n`);
    }
  };
}

function toStdout(line: string): void {
  process.stdout.write(line);
}
