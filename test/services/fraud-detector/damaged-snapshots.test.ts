import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { naiveAlerts, type OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { FileStore } from '../../../services/lib/objects/file-store.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { bookingEvent, rule, start, wholeRange } from '../../oracle/scenario.ts';
import { always, FraudRig } from './fraud-rig.ts';

const damages = 50;
/** Records in each of two snapshots, and in all. */
const [inPrevious, inCurrent, inAll] = [200, 300, 400] as const;

const { count: _, ...tours } = rule({
  id: 'tours',
  when: {},
  distinct: { field: 'tourId', atLeast: 4, within: 'PT5M' },
  cooldown: 'PT2M',
});
const rules: RulesFile = {
  time: { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' },
  rules: [rule({ id: 'churn', count: { atLeast: 5, within: 'PT10M' }, cooldown: 'PT1M' }), tours],
};

/** 40 users in turn, a second apart; every seventh event comes again later. */
const records: OracleShard['records'] = Array.from({ length: inAll }, (_, i) => {
  const n = i % 7 === 6 ? i - 6 : i;
  const event = bookingEvent({ bookingId: `b-${n}`, userId: `user-${n % 40}`, tourId: `tour-${n % 11}`, occurredAt: start + n * 1_000 });
  return { event, arrival: start + i * 1_000 };
});
const shards: OracleShard[] = [{ shardId: 'shard', parents: [], range: wholeRange, records }];
const expected = naiveAlerts({ shards, rules }).alerts;

/** The same numbers each time. */
function randoms(seed: number): (below: number) => number {
  let x = seed;
  return (below) => (x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0) % below;
}

function rigOn(folder: string): FraudRig {
  const rig = new FraudRig(shards, always(rules));
  rig.store = new FileStore(folder);
  rig.codec = undefined; // as in production
  return rig;
}

describe('a damaged snapshot', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'damaged-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it(`is detected and stepped back from, and no alert differs: ${damages} flips and truncations of the file on disk`, async function () {
    this.timeout(30_000);
    const before = rigOn(folder);
    const first = await before.begin('shard');
    for (const count of [inPrevious, inCurrent - inPrevious]) {
      await first.deliver(count);
      await first.stop();
    }
    first.kill();
    const { current, previous } = before.rows.row('shard') ?? {};
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.gz')).sort();
    assert.equal(names.length, 2);
    const name = names.find((one) => one.includes(String(current?.position))) ?? '';
    const files = new Map(await Promise.all(names.map(async (one) => [one, await readFile(join(folder, one))] as const)));
    const whole = files.get(name) ?? assert.fail(name);

    const random = randoms(7);
    const seen = new Set<string>();
    while (seen.size < damages) {
      const cut = seen.size % 3 === 2;
      const [at, bit] = [random(whole.length), random(8)];
      const what = `${cut ? 'cut' : 'flip'} ${at}${cut ? '' : `.${bit}`} of ${whole.length}`;
      if (seen.has(what)) continue;
      seen.add(what);
      const damaged = Buffer.from(whole.subarray(0, cut ? at : undefined));
      if (!cut) damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      for (const [one, body] of files) await writeFile(join(folder, one), one === name ? damaged : body);

      const rig = rigOn(folder);
      for (const [key, item] of before.rows.items) rig.rows.items.set(key, item);
      for (const [key, stored] of before.stored) rig.stored.set(key, stored);
      for (const [key, checkpoint] of before.checkpoints) rig.checkpoints.set(key, checkpoint);
      const process = await rig.begin('shard');
      assert.deepEqual([rig.counter('snapshots_unusable'), rig.counter('state_rebuilt')], [1, 0], what);
      assert.deepEqual(
        rig.stream.reads.map(({ after }) => after),
        [previous?.position],
        what,
      );
      await process.deliver();
      await process.stop();
      assert.deepEqual(
        [...rig.stored.values()].map(({ alert }) => alert),
        expected,
        what,
      );
    }
    const after = expected.slice(before.stored.size);
    const early = new Set(records.slice(0, inCurrent).map(({ event }) => event.eventId));
    assert.ok(
      after.some(({ evidence }) => evidence.some(({ eventId }) => early.has(eventId))),
      'what was raised later rests on what the snapshot held',
    );
  });
});
