import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one run leaves what it writes. */
export interface RunFolder {
  readonly path: string;
  /** For short-lived files and sockets, whose path must be short. */
  readonly temporary: string;
  /** Keeps `path` whatever comes. */
  keep(): void;
  /** Removes `temporary`, and `path` unless it is to be kept. Synchronous, so that an exit handler may call it; more than once is fine. */
  remove(): void;
}

/** A fresh folder: `keepDir`, which must be new or empty, or a temporary one. Throws what is in the way. */
export function createRunFolder(keepDir: string | undefined): RunFolder {
  const path = keepDir === undefined ? mkdtempSync(join(tmpdir(), 'travelbuddy-')) : resolve(keepDir);
  mkdirSync(path, { recursive: true });
  if (readdirSync(path).length > 0) throw new Error(`${path} is not empty: a run starts in a fresh folder, give --keep a new one`);
  const temporary = mkdtempSync(join(tmpdir(), 'tb-'));
  let kept = keepDir !== undefined;
  return {
    path,
    temporary,
    keep: () => {
      kept = true;
    },
    remove: () => {
      rmSync(temporary, { recursive: true, force: true });
      if (!kept) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
