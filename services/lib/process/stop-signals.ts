/** A supervisor's and a terminal's signal often arrive twice (process group and forwarder): repeats this close count once. */
const sameSignalMs = 1_000;

/**
 * Two-phase stop: the first SIGTERM, SIGINT or SIGHUP asks for an orderly stop, one that comes more than a second later forces it.
 * Returns a function that gives the signals back.
 */
export function onStopSignals(
  handlers: { readonly graceful: (signal: NodeJS.Signals) => void; readonly force: (signal: NodeJS.Signals) => void },
  source: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process,
  now: () => number = () => performance.now(),
): () => void {
  let firstAt: number | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = now();
      handlers.graceful(signal);
    } else if (now() - firstAt > sameSignalMs) {
      handlers.force(signal);
    }
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) source.on(signal, handle);
  return () => {
    for (const signal of signals) source.off(signal, handle);
  };
}
