import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A tool of node_modules, run by this Node. */
export const tool = (path: string, ...args: readonly string[]): readonly string[] => [join(root, 'node_modules', path), ...args];

/**
 * Runs a Node program with our outputs, resolves with its exit code. Ctrl-C reaches the program from the terminal; we
 * wait for it, so that its last words come before ours.
 */
export function runStep(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
    const wait = (): void => {};
    const forward = (): void => {
      child.kill('SIGTERM');
    };
    process.on('SIGINT', wait);
    process.on('SIGTERM', forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}
