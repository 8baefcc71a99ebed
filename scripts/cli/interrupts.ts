/** Exit code by convention: 128 + the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof exitCodes;

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Of the signal that came; undefined when none did. */
  readonly exitCode: () => number | undefined;
  dispose(): void;
}

/** The first signal asks for an orderly stop, the second for an end at once. */
export function watchInterrupts(on: { readonly first: () => void; readonly second: () => void }): Interrupts {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const handlers = (Object.keys(exitCodes) as StopSignal[]).map((name) => {
    const handler = (): void => {
      if (exitCode !== undefined) {
        on.second();
        process.exit(exitCode);
      }
      exitCode = exitCodes[name];
      on.first();
      controller.abort();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      for (const remove of handlers) remove();
    },
  };
}
