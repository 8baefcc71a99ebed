import { readFileSync } from 'node:fs';

/** First field of schedstat: time on a CPU, ns (kernel documentation, scheduler/sched-stats). The main thread has the process's id. */
const statistics = `/proc/self/task/${process.pid}/schedstat`;

/** Milliseconds that this thread has run: what other processes and threads take is none of it. */
export const ranMs = (): number => Number(readFileSync(statistics, 'latin1').split(' ', 1)[0]) / 1e6;
