import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { examine } from './house/doctor.ts';

const flags = readCommandLine(
  {
    name: 'doctor',
    summary:
      'Tells what this machine has, what it lacks, and how to get it. Installs nothing but the npm packages it runs on. Ends with 1 when a command could not run.',
    examples: ['npm run doctor', 'npm run doctor -- --json'],
  },
  { json: flag('one JSON line') },
  process.argv.slice(2),
);

const findings = await examine(dirname(dirname(fileURLToPath(import.meta.url))), process.env);
const ok = findings.every((finding) => finding.ok || finding.level === 'wish');
if (flags.json) {
  process.stdout.write(`${JSON.stringify({ type: 'result', findings, ok })}\n`);
} else {
  const width = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  for (const finding of findings) {
    const verdict = finding.ok ? 'ok     ' : finding.level === 'need' ? 'MISSING' : 'absent ';
    process.stdout.write(`${verdict}  ${finding.subject.padEnd(width)}${finding.found}\n`);
    if (!finding.ok) process.stdout.write(`         ${finding.remedy.replaceAll('\n', '\n         ')}\n`);
  }
  process.stdout.write(ok ? '\neverything that is needed is there: npm run demo\n' : '\nget what is MISSING, then: npm run demo\n');
}
process.exitCode = ok ? 0 : 1;
