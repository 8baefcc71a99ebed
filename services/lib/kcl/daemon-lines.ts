import type { LogLevel } from '../process/log.ts';
import { daemonLinePrefix } from './java-command.ts';

/** A line of the JVM's stdout or stderr, ready to be logged as one object. */
export interface DaemonLine {
  readonly level: LogLevel;
  readonly logger?: string;
  readonly message: string;
  readonly error?: string;
}

const levels: Readonly<Record<string, LogLevel>> = { TRACE: 'debug', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' };
/** A longer line is cut: a log record must fit the drivers behind us (CloudWatch takes 256 KB). */
export const maxDaemonLineLength = 32_768;

/** Undefined for a blank line. What does not have the pattern of our logback file is a warning of the JVM or a dying child. */
export function parseDaemonLine(raw: string): DaemonLine | undefined {
  const line = raw.length > maxDaemonLineLength ? `${raw.slice(0, maxDaemonLineLength)}… (${raw.length} characters)` : raw;
  if (line.trim() === '') return undefined;
  const [prefix, level, logger, message, error] = line.split('\t');
  if (prefix !== daemonLinePrefix || level === undefined || logger === undefined || message === undefined) {
    return { level: 'warn', message: line };
  }
  return { level: levels[level] ?? 'warn', logger, message, ...(error ? { error: error.trim() } : {}) };
}
