import { dirname } from 'node:path';

/** What to tell about a file that cannot be written; undefined when the error is about something else. */
export function fileErrorText(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `cannot write ${path}: there is no folder ${dirname(path)}`;
    case 'EISDIR':
      return `cannot write ${path}: it is a folder; name a file in it`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `cannot write ${path}: not allowed`;
    default:
      return undefined;
  }
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder; name a file in it',
  EACCES: 'not allowed to read it',
  EPERM: 'not allowed to read it',
};

/** A file that a flag names and that cannot be read. */
export function cannotRead(flag: string, path: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new Error(`${flag} ${path}: ${unreadable[code ?? ''] ?? `reading it failed: ${message}`}`, { cause });
}
