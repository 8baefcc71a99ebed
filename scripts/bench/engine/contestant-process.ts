import type { Answer, Ask, Side } from './contestant.ts';
import { cpuSeconds } from './cpu.ts';
import { contests, type Job } from './jobs.ts';
import { Traffic } from './traffic.ts';

// One job of one contest in a process of its own: what the garbage collector does for another's memory is not counted against it.
const [name, side, seed] = process.argv.slice(2) as [string, Side, string];
const contest = contests.find((each) => each.name === name);
if (contest === undefined) throw new Error(`no such contest: ${name}`);
const job: Job = contest[side]();
const traffic = new Traffic(Number(seed));

process.on('message', ({ events, as }: Ask) => {
  const work = as === 'parsed' ? fromEvents(events) : fromDocuments(events);
  const seconds = cpuSeconds(work);
  process.send?.({ seconds, told: job.take() } satisfies Answer);
});
process.on('disconnect', () => process.exit());

function fromEvents(count: number): () => void {
  const events = traffic.chunk(count);
  return () => {
    for (const event of events) job.apply(event);
  };
}

function fromDocuments(count: number): () => void {
  const documents = traffic.documents(count);
  return () => {
    for (const document of documents) job.apply(JSON.parse(document.toString()) as Parameters<Job['apply']>[0]);
  };
}
