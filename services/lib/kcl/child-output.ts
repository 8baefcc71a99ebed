import { Writable } from 'node:stream';
import type { Logger } from '../process/log.ts';

/**
 * Takes stdout and stderr away from everything but the protocol: what a library or a stray console call prints goes to the log.
 * On stdout the daemon could take it for an answer; stderr it repeats without a level.
 * Returns the one stream that still reaches the daemon.
 */
export function guardOutput(log: Logger, standard: { stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream } = process): Writable {
  const write = standard.stdout.write.bind(standard.stdout);
  for (const name of ['stdout', 'stderr'] as const) {
    standard[name].write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      if (text.trim() !== '') log.warn({ event: 'output.guarded', stream: name }, text.trimEnd());
      const done = typeof encoding === 'function' ? encoding : callback;
      if (typeof done === 'function') queueMicrotask(() => done());
      return true;
    };
  }
  // aws-kcl takes a write() that asks for a pause as fatal; answers are a few bytes, so the stream never asks.
  return new Writable({
    highWaterMark: 1024 * 1024,
    decodeStrings: false,
    write: (chunk: string, _encoding, callback) => void write(chunk, 'utf8', (error) => callback(error)),
  });
}

/** For aws-kcl's own complaints. */
export const logStream = (log: Logger): Writable =>
  new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, callback) {
      log.error({ event: 'protocol' }, chunk.trimEnd());
      callback();
    },
  });
