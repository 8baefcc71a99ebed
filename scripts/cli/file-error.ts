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
