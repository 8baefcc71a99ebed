import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { SetupFailure } from './failure.mjs';

const keptOutputBytes = 1024 * 1024;

/**
 * Runs a tool to its end with its output kept for the error message. Ends it when set-up itself is ended.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, remedy: string}} options
 * @returns {Promise<void>}
 */
export function runTool(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => child.kill('SIGTERM');
    process.once('exit', end);
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      // No tool of ours prints that much before it fails.
      if (output.length < keptOutputBytes) output += chunk.toString('utf8');
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      process.off('exit', end);
      reject(new SetupFailure(`cannot start ${command}: ${error.message}`, options.remedy));
    });
    child.once('close', (code, signal) => {
      process.off('exit', end);
      if (code === 0) resolve();
      else reject(new SetupFailure(`${command} failed (${signal ?? `exit code ${code}`}):\n${excerpt(output)}`, options.remedy));
    });
  });
}

const shownLines = 24;

/** The beginning, where npm says what is wrong, and the end, where Maven does. @param {string} output */
function excerpt(output) {
  // Tools colour their output even when nobody watches.
  const lines = stripVTControlCharacters(output).trim().split('\n');
  if (lines.length <= shownLines) return lines.join('\n') || '(it printed nothing)';
  return [...lines.slice(0, shownLines / 2), '...', ...lines.slice(-shownLines / 2)].join('\n');
}
