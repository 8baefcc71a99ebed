/**
 * Stands for the MultiLangDaemon and its children in the launcher's tests: plain Node, so that it starts at once.
 * BEHAVIOUR names what goes wrong, and only in the first daemon: a second one is always well-behaved.
 */
import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';

const generation = Number(process.env.KCL_LINK_GENERATION);
const behaviour = generation === 1 || process.env.ALWAYS ? (process.env.BEHAVIOUR ?? '') : '';
const children = 2;
const script = process.argv[1] ?? '';

if (process.argv[2] === 'child') runChild(Number(process.argv[3]));
else runDaemon();

function runDaemon() {
  const running = Array.from({ length: behaviour === 'childless' ? 0 : children }, (_, i) =>
    spawn(process.execPath, [script, 'child', String(i)], { stdio: ['pipe', 'inherit', 'inherit'] }),
  );
  console.log(`daemon ${process.pid} with ${running.map(({ pid }) => pid).join(' ')}`);
  process.on('SIGTERM', () => {
    if (behaviour !== 'deaf') for (const child of running) child.stdin.end(); // then it idles, like the real one
  });
  // its input closes though nobody asked for a stop
  if (behaviour === 'input-closes') setTimeout(() => running[1]?.stdin.end(), 250);
  if (behaviour === 'daemon-dies') setTimeout(() => process.exit(1), 250); // its children live on
  setInterval(() => {}, 1_000);
}

/** @param {number} index */
function runChild(index) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {});
  const link = createConnection(process.env.KCL_LINK_PATH ?? '');
  link.on('error', () => {});
  link.write(`H${JSON.stringify({ pid: process.pid, generation })}\nS{"shardId":"shard-${index}"}\nL{"child":${index}}\n`);
  link.write(`M${JSON.stringify({ counters: [{ name: 'seen', labels: {}, value: 1 }], gauges: [], timings: [] })}\n`);
  if (behaviour === 'child-dies' && index === 1) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 250);
  process.stdin.resume().on('end', () => {
    if (behaviour === 'child-dies-stopping' && index === 1) process.exit(1);
    const reason = behaviour === 'input-closes' ? 'stdinClosed' : 'leaseLost';
    if (behaviour !== 'daemon-dies') link.end(`D${JSON.stringify({ reason })}\n`, () => process.exit(0));
  });
  setInterval(() => {}, 1_000);
}
