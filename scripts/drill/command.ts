import { UsageError } from '../cli/flags.ts';
import { nearest } from '../cli/nearest.ts';
import { fraudDrill } from './fraud/drill.ts';
import { latencyDrill } from './latency/drill.ts';
import { loaderDrill } from './loader/drill.ts';
import type { Drill } from './session.ts';
import { takeoverDrill } from './takeover/drill.ts';

const drills: Readonly<Record<string, Drill>> = {
  fraud: fraudDrill,
  loader: loaderDrill,
  latency: latencyDrill,
  takeover: takeoverDrill,
};

const help = `Faults on the real parts while bookings flow, or figures of the running services: local parts, all services, AWS limits on.

  npm run drill -- NAME [flags]

Drills
${Object.entries(drills)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

npm run drill -- NAME --help shows a drill's flags. docs/drills.md says how to read what they print.

Exit code: 0 passed, 1 not, 2 wrong usage, 130 Ctrl-C.
`;

/** `npm run drill -- NAME …`: resolves to the exit code, rejects with UsageError. */
export async function drillCommand([name, ...argv]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(help);
    return 0;
  }
  if (name === undefined || name.startsWith('-')) throw new UsageError(`which drill? One of ${Object.keys(drills).join(', ')}`);
  const drill = drills[name];
  if (drill !== undefined) return drill.main(argv);
  const meant = nearest(name, Object.keys(drills));
  throw new UsageError(`no drill ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}
