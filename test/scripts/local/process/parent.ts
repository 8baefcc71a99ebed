/** A parent to be killed: starts a process that starts another, prints both numbers, stays. */
import { join } from 'node:path';
import { startProcess } from '../../../../scripts/local/process/managed-process.ts';

const folder = process.argv[2] ?? '';
const forever = 'setInterval(() => {}, 1000);';
const program = `const c = require("node:child_process").spawn(process.execPath, ["-e", "${forever}"]); console.log("ready " + c.pid); ${forever}`;
const part = await startProcess({
  name: 'part',
  command: process.execPath,
  args: ['-e', program],
  env: {},
  cwd: folder,
  logFile: join(folder, 'part.log'),
  ready: { stdoutLine: /^ready (\d+)$/ },
  readyTimeoutMs: 8_000,
});
process.stdout.write(`${JSON.stringify({ leader: part.pid, grandchild: Number(part.readyMatch?.[1]) })}\n`);
setInterval(() => {}, 1_000);
