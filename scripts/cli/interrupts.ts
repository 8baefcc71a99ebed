import { onStopSignals } from '../../services/lib/process/stop-signals.ts';

/** By convention: 128 + the signal's number. */
const exitCodes: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Of the signal that came first; undefined when none did. */
  readonly exitCode: () => number | undefined;
}

export interface OnInterrupt {
  readonly first?: () => void;
  readonly second?: () => void;
  /** Where they differ from the convention. */
  readonly exitCodes?: Readonly<Partial<Record<NodeJS.Signals, number>>>;
}

/**
 * Takes a command's signals from here until it ends: no command listens for them itself. The first asks for an orderly stop, which
 * prints what was done so far and ends with `exitCode()`; a second one ends at once. One Ctrl-C that comes twice, from the terminal
 * and from npm, is one: what comes within a second of the first does nothing.
 */
export function watchInterrupts(
  on: OnInterrupt = {},
  source: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process,
  now?: () => number,
  exit: (code: number) => void = (code) => process.exit(code),
): Interrupts {
  const first = on.first ?? (() => void process.stderr.write('stopping; Ctrl-C again ends at once\n'));
  const controller = new AbortController();
  let exitCode = 0;
  onStopSignals(
    {
      graceful(signal) {
        exitCode = on.exitCodes?.[signal] ?? exitCodes[signal] ?? 1;
        first();
        controller.abort();
      },
      force() {
        on.second?.();
        exit(exitCode);
      },
    },
    source,
    now,
  );
  return { signal: controller.signal, exitCode: () => (controller.signal.aborted ? exitCode : undefined) };
}
