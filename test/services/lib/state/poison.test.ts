import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Position, position } from '../../../../services/lib/kcl/position.ts';
import { deathsBeforeSkip } from '../../../../services/lib/state/attempts.ts';
import { type Process, snapshotIntervalMs } from './rig.ts';
import { TallyRig } from './tally-rig.ts';

interface Life {
  readonly process: Process;
  readonly died: boolean;
}

/** A process from its start until `work` is done or a record has killed it. */
async function live(rig: TallyRig, work: (process: Process) => Promise<void>): Promise<Life> {
  const process = rig.process('shard');
  const killed = new Promise<true>((resolve) => {
    rig.onBefore = (text) => {
      if (!text.startsWith('kill')) return undefined;
      process.kill();
      resolve(true);
      return new Promise(() => {});
    };
  });
  const done = process
    .initialize()
    .then(() => work(process))
    .then(() => false);
  return { process, died: await Promise.race([killed, done]) };
}

const maxDeaths = 30;

/** Starts again after each death, as a launcher does. Returns how many there were. */
async function untilItLives(rig: TallyRig, work: (process: Process) => Promise<void>): Promise<number> {
  for (let deaths = 0; deaths < maxDeaths; deaths++) if (!(await live(rig, work)).died) return deaths;
  return assert.fail(`${maxDeaths} deaths`);
}

const all = async (process: Process): Promise<void> => {
  await process.deliver();
  await process.stop();
};

const letters = (rig: TallyRig): string[] => rig.keys('deadletter/');

describe('a record that kills its process', () => {
  it('is found among many, dead-lettered once and skipped, and the shard goes on', async () => {
    const rig = new TallyRig();
    const [before, , after] = [rig.put('shard', 150), rig.put('shard', 1, 'kill-'), rig.put('shard', 100)];
    // The first death tells nothing, the second that it was among 64: from then on records go alone.
    assert.equal(await untilItLives(rig, all), 1 + deathsBeforeSkip);
    assert.deepEqual(
      [await rig.texts('shard'), [...rig.settled]],
      [
        [...before, ...after],
        [...before, ...after],
      ],
    );
    assert.equal(rig.checkpoints.get('shard'), rig.stream.records.get('shard')?.at(-1)?.position);
    assert.deepEqual(letters(rig), ['deadletter/test/stream/shard/150-0.json']);
    const letter = String(rig.bodies.get(letters(rig)[0] ?? ''));
    assert.match(letter, /"reason":"poison"/);
    assert.match(letter, new RegExp(Buffer.from('kill-150').toString('base64').slice(0, 8)));
    assert.equal(rig.counter('records_dead_lettered', { reason: 'poison' }), 1);
    assert.deepEqual(rig.rows.row('shard')?.skips, [{ position: position('150'), since: rig.now }]);
  });

  it('is skipped by every replay: of a restart, of a gap and of a rebuild', async () => {
    const rig = new TallyRig();
    const [before, , after] = [rig.put('shard', 4), rig.put('shard', 1, 'kill-'), rig.put('shard', 4)];
    await untilItLives(rig, all);
    const skipped = (): number => rig.counter('records_skipped', { reason: 'poison' });
    assert.equal(skipped(), 1);
    // A rebuild up to the checkpoint, by a gap; then one from the start, delivered again.
    for (const checkpoint of [rig.stream.records.get('shard')?.at(-1)?.position, position('0')]) {
      for (const which of ['current', 'previous'] as const) if (rig.rows.row('shard')?.[which] !== undefined) rig.spoil('shard', which);
      if (checkpoint !== undefined) rig.checkpoints.set('shard', checkpoint);
      const counted = skipped();
      assert.equal(await untilItLives(rig, all), 0);
      assert.deepEqual([skipped(), await rig.texts('shard')], [counted + 1, [...before, ...after]]);
    }
    assert.equal(letters(rig).length, 1);
  });

  it('is found in a gap too, where it kills the start', async () => {
    const rig = new TallyRig();
    const texts = [rig.put('shard', 80), rig.put('shard', 1, 'kill-'), rig.put('shard', 20)];
    rig.checkpoints.set('shard', position('133', 1));
    assert.equal(await untilItLives(rig, all), 1 + deathsBeforeSkip);
    assert.deepEqual(await rig.texts('shard'), [...(texts[0] ?? []), ...(texts[2] ?? [])]);
    assert.equal(letters(rig).length, 1);
  });

  it('may be one of several, next to each other or far apart', async () => {
    const rig = new TallyRig();
    const good: string[] = [];
    for (const count of [10, 0, 200, 0]) {
      good.push(...rig.put('shard', count));
      rig.put('shard', 1, 'kill-');
    }
    good.push(...rig.put('shard', 5));
    const deaths = await untilItLives(rig, all);
    assert.deepEqual([await rig.texts('shard'), [...rig.settled]], [good, good]);
    assert.equal(letters(rig).length, 4);
    assert.ok(deaths <= 4 * (1 + deathsBeforeSkip), `${deaths} deaths`);
  });

  it('is found though records that were applied before are delivered again in front of it', async () => {
    const rig = new TallyRig();
    const before = rig.put('shard', 6);
    await live(rig, all);
    const after = [rig.put('shard', 1, 'kill-'), rig.put('shard', 3)].flat().slice(1);
    rig.checkpoints.set('shard', position('0'));
    const inBatches = async (process: Process): Promise<void> => {
      while (process.left > 0) await process.deliver(6);
      await process.stop();
    };
    assert.equal(await untilItLives(rig, inBatches), 1 + deathsBeforeSkip);
    assert.deepEqual(await rig.texts('shard'), [...before, ...after]);
  });

  describe('of long ago', () => {
    const since = 1_000;
    const skip = (rig: TallyRig, ...skips: { position: Position; since: number }[]): void => {
      rig.rows.items.set('shard', { ...rig.rows.items.get('shard'), skips: { S: JSON.stringify(skips) } });
    };
    /** Its snapshots stand at 100.2 and at 101.2. */
    async function withSnapshots(): Promise<TallyRig> {
      const rig = new TallyRig();
      rig.put('shard', 6);
      const { process } = await live(rig, (begun) => begun.deliver(3).then(() => begun.stop()));
      await process.deliver(3);
      await process.stop();
      return rig;
    }

    it('is forgotten when no replay can meet it: it lies behind both snapshots, and has left the stream', async () => {
      const rig = await withSnapshots();
      const gone = { position: position('100', 2), since };
      const kept = [
        { position: position('100', 1), since: since + 1 }, // a rebuild would meet it
        { position: position('101', 0), since }, // between the two
      ];
      skip(rig, gone, ...kept);
      rig.stream.trimmedBefore = since + 1;
      await live(rig, (process) => process.stop());
      assert.deepEqual(rig.rows.row('shard')?.skips, kept);
    });

    it('is not forgotten by a shard without a snapshot before its newest', async () => {
      const rig = await withSnapshots();
      const kept = [{ position: position('100', 0), since }];
      skip(rig, ...kept);
      const { previous: _, ...item } = rig.rows.items.get('shard') ?? {};
      rig.rows.items.set('shard', item);
      rig.stream.trimmedBefore = since + 1;
      await live(rig, (process) => process.deliver(0));
      assert.deepEqual(rig.rows.row('shard')?.skips, kept);
    });

    for (const [what, trimmedBefore, deaths] of [
      ['leaves room for another', since + 1, 1 + deathsBeforeSkip],
      ['of which there are too many, while they may come again, leaves none: someone must look', since, maxDeaths],
    ] as const) {
      it(what, async () => {
        const rig = await withSnapshots();
        skip(rig, ...Array.from({ length: 100 }, (_, i) => ({ position: position('99', i), since })));
        rig.stream.trimmedBefore = trimmedBefore;
        rig.put('shard', 1, 'kill-');
        let died = 0;
        while (died < maxDeaths && (await live(rig, all)).died) died++;
        assert.deepEqual([died, letters(rig).length], [deaths, deaths === maxDeaths ? 0 : 1]);
      });
    }
  });

  it('costs no good record, however often a process dies while nothing is tried', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 30);
    for (let death = 0; death < 10; death++) (await live(rig, (process) => process.deliver(0))).process.kill();
    assert.equal(await untilItLives(rig, all), 0);
    assert.deepEqual([await rig.texts('shard'), letters(rig), rig.rows.row('shard')?.skips], [texts, [], []]);
  });

  it('costs no good record though the process is killed at any of them a few times', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 40);
    const dying = [3, 17, 17, 20, 39];
    for (const at of dying) {
      const process = rig.process('shard');
      const killed = new Promise<void>((resolve) => {
        rig.onBefore = (text) => (text === `shard-${at}` ? (process.kill(), resolve(), new Promise(() => {})) : undefined);
      });
      await Promise.race([killed, process.initialize().then(() => all(process))]);
    }
    rig.onBefore = () => undefined;
    assert.equal(await untilItLives(rig, all), 0);
    assert.deepEqual([await rig.texts('shard'), [...rig.settled], letters(rig)], [texts, texts, []]);
  });

  for (const [what, name, call] of [
    ['what follows from it is stored', 'loud-', 'settle'],
    ['a snapshot is written behind it', 'quiet-', 'objects.create'],
  ] as const) {
    it(`is not one at which it only happened to die: while ${what}`, async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 70, name);
      for (let death = 0; death < 6; death++) {
        const process = rig.process('shard');
        const killed = new Promise<void>((resolve) => {
          const die = (): Promise<never> => {
            process.kill();
            resolve();
            return new Promise(() => {});
          };
          if (call === 'settle') rig.onSettle = die;
          else rig.onStep = (step) => (step === call ? die() : undefined);
        });
        await Promise.race([killed, process.initialize().then(() => all(process))]);
      }
      rig.onSettle = () => undefined;
      rig.onStep = () => undefined;
      assert.equal(await untilItLives(rig, all), 0);
      assert.deepEqual([await rig.texts('shard'), letters(rig)], [texts, []]);
    });
  }

  it('no longer slows the shard down once a snapshot lies behind it', async () => {
    const rig = new TallyRig();
    rig.put('shard', 6);
    rig.put('shard', 1, 'kill-');
    rig.put('shard', 6);
    assert.equal(await untilItLives(rig, (process) => process.deliver()), 1 + deathsBeforeSkip);
    const { process } = await live(rig, (begun) => begun.deliver());
    const { current } = rig.rows.row('shard') ?? {};
    rig.now += snapshotIntervalMs;
    await process.deliver(); // begins a snapshot
    while (rig.rows.row('shard')?.current === current) await nextTurn();
    await process.deliver(); // sees that it is durable
    rig.put('shard', 500);
    let notes = 0;
    rig.onStep = (call, when) => {
      if (call === 'table.write' && when === 'before') notes++;
    };
    await process.deliver();
    assert.equal(notes, 0);
  });
});
