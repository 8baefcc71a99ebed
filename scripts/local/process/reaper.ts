import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * A shell that waits for its standard input to close, which happens however its parent ends, kill -9 included, and then
 * kills every process group it was told of. A shell, since it is 1 MB where a Node is 40 and there is little in it to crash.
 * Lines: `+ PGID` adds, `- PGID` forgets. Signals of the parent's terminal must not end it first.
 */
const program = `
trap '' INT TERM HUP QUIT
groups=' '
while read -r change group; do
  case "$groups" in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac
  if [ "$change" = + ]; then groups="$groups$group "; fi
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
exit 0
`;

interface Reaper {
  readonly process: ChildProcess;
  readonly input: Socket;
}

const groups = new Set<number>();
let reaper: Reaper | undefined;

function startReaper(): Reaper {
  const child = spawn('/bin/sh', ['-c', program, 'reaper'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {}, cwd: '/' });
  const input = child.stdin as Socket;
  // The reaper must not keep its parent from exiting.
  child.unref();
  input.unref();
  const gone = () => {
    if (reaper?.process === child) reaper = undefined;
  };
  input.on('error', gone);
  child.on('error', gone);
  child.once('exit', gone);
  for (const group of groups) input.write(`+ ${group}\n`);
  return { process: child, input };
}

/** The write end of the reaper's input. A child is started with it and registers itself before it runs anything (managed-process.ts). */
export function reaperInput(): Socket {
  reaper ??= startReaper();
  return reaper.input;
}

/** Known here as well, so that a reaper which was itself killed has a successor that knows all groups. */
export function remember(group: number): void {
  groups.add(group);
}

/** The group has ended: its number may belong to somebody else from now on. */
export function forget(group: number): void {
  groups.delete(group);
  reaper?.input.write(`- ${group}\n`);
}
