import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { SetupFailure } from './failure.mjs';

const keptOutputBytes = 64 * 1024;

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
      output = (output + chunk.toString('utf8')).slice(-keptOutputBytes);
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
      else reject(new SetupFailure(`${command} failed (${signal ?? `exit code ${code}`}):\n${tail(output)}`, options.remedy));
    });
  });
}

const shownLines = 15;

/** @param {string} output */
function tail(output) {
  // Tools colour their output even when nobody watches.
  const plain = stripVTControlCharacters(output).trim();
  return plain === '' ? '(it printed nothing)' : plain.split('\n').slice(-shownLines).join('\n');
}
