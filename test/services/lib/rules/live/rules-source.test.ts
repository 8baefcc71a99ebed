import assert from 'node:assert/strict';
import { defaultRules, defaultRulesFile } from '../../../../../services/fraud-detector/default-rules.ts';
import { isPlatformError, PlatformError } from '../../../../../services/lib/process/errors.ts';
import { createLogger } from '../../../../../services/lib/process/log.ts';
import { Metrics } from '../../../../../services/lib/process/metrics.ts';
import { MemoryRulesStore } from '../../../../../services/lib/rules/live/memory-rules-store.ts';
import { type RulesPointer, withGeneration, withWithheld } from '../../../../../services/lib/rules/live/pointer.ts';
import { RulesSource } from '../../../../../services/lib/rules/live/rules-source.ts';
import type { RulesAudit } from '../../../../../services/lib/rules/live/rules-store.ts';
import { rulesSchemaVersion } from '../../../../../services/lib/rules/live/schema-version.ts';
import type { RulesFile } from '../../../../../services/lib/rules/rules-file.ts';
import { rule } from '../../../../oracle/scenario.ts';

const audit: RulesAudit = { at: 0, by: 'tester', action: 'publish', details: {} };
const fileOf = (...ids: string[]): Buffer =>
  Buffer.from(JSON.stringify({ time: defaultRules.time, rules: ids.map((id) => rule({ id })) } satisfies RulesFile));
const idsOf = ({ rules }: { rules: readonly { id: string }[] }): string[] => rules.map(({ id }) => id);

/** Whose calls can be made to fail, and are counted. */
class FlakyStore extends MemoryRulesStore {
  pointerReads = 0;
  failing: 'pointer' | 'object' | undefined;
  /** Whether what fails may pass by itself. */
  canPass = true;

  override readPointer(): Promise<RulesPointer | undefined> {
    this.pointerReads++;
    if (this.failing === 'pointer') return Promise.reject(new PlatformError('TABLE_UNAVAILABLE', 'down', { retriable: this.canPass }));
    return super.readPointer();
  }

  override readRules(hash: string): Promise<Buffer> {
    if (this.failing === 'object') return Promise.reject(new PlatformError('OBJECT_UNAVAILABLE', 'down', { retriable: this.canPass }));
    return super.readRules(hash);
  }

  async publish(bytes: Buffer, now: number, schema = rulesSchemaVersion): Promise<void> {
    const hash = await this.putRules(bytes);
    await this.writePointer(withGeneration(this.pointer as RulesPointer, { hash, now, by: 'tester', schema }), audit);
  }
}

describe('the source of rules', () => {
  const start = 1_790_000_000_000;
  let now = start;
  let store: FlakyStore;
  let metrics: Metrics;
  let logged: string[];
  let pauses: number[];
  /** What happens while it waits for the next attempt. */
  let onPause: () => unknown;

  const source = (): RulesSource =>
    new RulesSource({
      store,
      defaults: defaultRulesFile,
      now: () => now,
      log: createLogger('fraud-detector', 'info', (line) => logged.push(line)),
      metrics,
      random: () => 0.5,
      pause: (ms) => {
        pauses.push(ms);
        onPause();
        return Promise.resolve();
      },
    });
  const counted = (name: string): number => metrics.drain().counters.find((each) => each.name === name)?.value ?? 0;
  /** Lets what runs in the background come to its end: nothing here waits for anything but promises. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    now = start;
    store = new FlakyStore();
    metrics = new Metrics();
    [logged, pauses] = [[], []];
    onPause = () => assert.fail('nothing to wait for');
  });

  it("publishes the build's rules where there are none, once, however many start at a time", async () => {
    const sources = [source(), source(), source()];
    const timelines = await Promise.all(sources.map((each) => each.timeline(start)));
    for (const timeline of timelines) assert.deepEqual(timeline.generationFor(0, 0).generation, 1);
    assert.deepEqual(store.pointer?.generations.length, 1);
    assert.equal(store.audits.length, 1);
    assert.deepEqual(idsOf(await source().rules(1)), idsOf(defaultRules));
  });

  it('keeps the pointer for half a minute, then reads it again without making anyone wait', async () => {
    const rules = source();
    await rules.timeline(start);
    const reads = store.pointerReads;
    await store.publish(fileOf('new'), start);
    now += 29_999;
    assert.equal((await rules.timeline(now)).newest, 1);
    assert.equal(store.pointerReads, reads);
    now += 1;
    rules.refresh();
    await settled();
    assert.equal((await rules.timeline(now)).newest, 2);
    assert.equal(store.pointerReads, reads + 1);
  });

  it('reads it at once before a record that a publication since could bind', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(fileOf('new'), start);
    assert.equal((await rules.timeline(start + 39_999)).newest, 1);
    assert.equal((await rules.timeline(start + 40_000)).newest, 2);
  });

  it('holds a shard whose record may be bound by what cannot be read, and goes on as soon as it can', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(fileOf('new'), start);
    store.failing = 'pointer';
    onPause = () => {
      if (pauses.length === 20) store.failing = undefined;
    };
    assert.equal((await rules.timeline(start + 60_000)).newest, 2);
    assert.ok(pauses.length === 20 && pauses.every((ms) => ms <= 5_000) && Math.max(...pauses) > 2_000, pauses.join());
    assert.equal(counted('rules_unreadable'), 20);
    assert.ok(logged.some((line) => line.includes('rules.held')));
  });

  it('leaves what is in force when the pointer cannot be read and nothing depends on it', async () => {
    const rules = source();
    await rules.timeline(start);
    store.failing = 'pointer';
    now += 30_000;
    assert.equal((await rules.timeline(start)).newest, 1);
    await settled();
    assert.equal(counted('rules_unreadable'), 1);
    now += 30_000;
    store.pointer = { ...(store.pointer as RulesPointer), version: 0 };
    store.failing = undefined;
    assert.equal((await rules.timeline(start)).newest, 1);
    await settled();
    assert.equal(counted('rules_rejected'), 1, 'nor does a pointer that goes back');
    assert.equal((await rules.timeline(start)).newest, 1);
  });

  it('holds a shard whose generation is due and whose file cannot be read', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(fileOf('new'), start);
    store.failing = 'object';
    onPause = () => {
      if (pauses.length === 3) store.failing = undefined;
    };
    assert.equal((await rules.timeline(start + 60_000)).newest, 2);
    assert.deepEqual(idsOf(await rules.rules(2)), ['new']);
    assert.equal(pauses.length, 3);
  });

  it('gives up waiting when it is told to', async () => {
    const controller = new AbortController();
    store.failing = 'pointer';
    onPause = () => controller.abort(new Error('the lease is lost'));
    await assert.rejects(source().timeline(start, controller.signal), /the lease is lost/);
  });

  it('gives a generation that is no rules file those before it, for everyone alike, and says so once', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(fileOf('good'), start);
    for (const wrong of ['not JSON', '{"rules":[]}']) await store.publish(Buffer.from(wrong), start);
    await store.publish(fileOf('better'), start);
    const timeline = await rules.timeline(start + 120_000);
    assert.equal(timeline.newest, 5);
    for (const reader of [rules, source()]) {
      const found: string[][] = [];
      for (const generation of [2, 3, 4, 5]) found.push(idsOf(await reader.rules(generation)));
      assert.deepEqual(found, [['good'], ['good'], ['good'], ['better']]);
    }
    assert.equal(counted('rules_rejected'), 4, 'two files, two readers');
    assert.deepEqual(pauses, []);
  });

  it('does not judge rules of a newer schema than it knows: the shard waits for a build that does, and the metric says so at once', async () => {
    const rules = source();
    await rules.timeline(start);
    for (const content of [fileOf('other-meaning'), Buffer.from('{"rules":"invalid here"}')]) {
      await store.publish(content, start, rulesSchemaVersion + 1);
    }
    await store.publish(Buffer.from('no rules'), start);
    now += 30_000;
    rules.refresh();
    await settled();
    assert.equal(counted('rules_rejected'), 2, 'the newest, and the one that it falls back to');
    for (const generation of [2, 3, 4]) {
      pauses = [];
      const replaced = new AbortController();
      onPause = () => pauses.length === 3 && replaced.abort(new Error('the new build took over'));
      await assert.rejects(rules.rules(generation, replaced.signal), /the new build took over/);
    }
    assert.equal(counted('rules_rejected'), 11);
    assert.ok(logged.some((line) => line.includes('newer schema') && line.includes('deploy the new build first')));
    onPause = () => assert.fail('nothing to wait for');
    await store.publish(fileOf('known-again'), start);
    await rules.timeline(start + 60_000);
    assert.deepEqual(idsOf(await rules.rules(5)), ['known-again'], 'for a shard that no record binds to the ones between');
  });

  it('ends a start whose pointer or rules cannot be read for good, and waits for neither', async () => {
    store.canPass = false;
    store.failing = 'pointer';
    await assert.rejects(source().timeline(start), (error) => isPlatformError(error, 'TABLE_UNAVAILABLE') && !error.retriable);
    await assert.rejects(source().rules(1), (error) => isPlatformError(error, 'TABLE_UNAVAILABLE'));
    store.failing = 'object';
    await assert.rejects(source().rules(1), (error) => isPlatformError(error, 'OBJECT_UNAVAILABLE'));
    assert.equal(counted('rules_unreadable'), 4, 'the last one also in the background');
  });

  it('goes on with what is in force when a right is lost later, and waits where a record may be bound by more', async () => {
    const rules = source();
    await rules.timeline(start);
    await rules.rules(1);
    store.canPass = false;
    store.failing = 'pointer';
    now += 30_000;
    assert.equal((await rules.timeline(start)).newest, 1);
    await settled();
    assert.equal(counted('rules_unreadable'), 1);
    onPause = () => {
      if (pauses.length === 3) store.failing = undefined;
    };
    assert.equal((await rules.timeline(start + 60_000)).newest, 1);
    assert.equal(pauses.length, 3);
  });

  it('finds an invalid file to be so when it is published, not when it is due', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(Buffer.from('{}'), start);
    now += 30_000;
    rules.refresh();
    await settled();
    assert.equal(counted('rules_rejected'), 1);
  });

  it('reads the pointer again for a generation that another process has seen first', async () => {
    const rules = source();
    await rules.timeline(start);
    await store.publish(fileOf('new'), start);
    assert.deepEqual(idsOf(await rules.rules(2)), ['new']);
  });

  it('reads and compiles a generation once', async () => {
    const rules = source();
    assert.equal(await rules.rules(1), await rules.rules(1));
  });

  it('knows whose alerts are withheld', async () => {
    const rules = source();
    assert.equal(rules.withholds('a'), undefined, 'not before the pointer was read');
    await rules.timeline(start);
    const withheldAfter = async (withheld: 'all' | string[]): Promise<(boolean | undefined)[]> => {
      await store.writePointer(withWithheld(store.pointer as RulesPointer, withheld), audit);
      now += 30_000;
      rules.refresh();
      await settled();
      return ['a', 'b'].map((id) => rules.withholds(id));
    };
    assert.equal(rules.withholds('a'), false);
    assert.deepEqual(await withheldAfter(['a']), [true, false]);
    assert.deepEqual(await withheldAfter('all'), [true, true]);
    assert.deepEqual(await withheldAfter([]), [false, false]);
  });
});
