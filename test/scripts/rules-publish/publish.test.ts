import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { actionOf, rulesPublishFlags } from '../../../scripts/rules-publish/flags.ts';
import type { Place, Result } from '../../../scripts/rules-publish/result.ts';
import { run as act } from '../../../scripts/rules-publish/rules-publish.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { MemoryRulesStore } from '../../../services/lib/rules/live/memory-rules-store.ts';
import { newestOf, type RulesPointer, schemaOf, withGeneration } from '../../../services/lib/rules/live/pointer.ts';
import type { RulesAudit } from '../../../services/lib/rules/live/rules-store.ts';
import { rulesSchemaVersion } from '../../../services/lib/rules/live/schema-version.ts';
import { bookingEvent, type RuleSpec, rule } from '../../oracle/scenario.ts';

const day = 86_400_000;
const time = { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' };
const fileOf = (...specs: RuleSpec[]): string => JSON.stringify({ time, rules: specs.map(rule) }, undefined, 1);

describe('rules:publish', () => {
  const start = 1_790_000_000_000;
  let folder: string;
  let now: number;
  let store: MemoryRulesStore;
  let referenced: ReadonlySet<number> | undefined;
  let notes: string[];
  let schema: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rules-publish-'));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    now = start;
    store = new MemoryRulesStore();
    referenced = new Set();
    notes = [];
    schema = rulesSchemaVersion;
  });

  const place = (): Place => ({
    stage: 'test',
    account: '123',
    region: 'here',
    store,
    referenced: () => Promise.resolve(referenced),
    now: () => now,
    by: 'tester',
    schema,
  });

  /** The command as far as it does not reach for a table of its own. */
  function run(...argv: string[]): Promise<Result> {
    const flags = parseFlags(rulesPublishFlags, argv);
    const io = { now: () => now, note: (line: string) => notes.push(line), signal: new AbortController().signal };
    return act(actionOf(flags), place(), flags.yes, io);
  }
  async function written(name: string, content: string): Promise<string> {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  }
  const publishing = async (content: string, ...more: string[]): Promise<Result> =>
    run('--rules', await written('rules.json', content), ...more);
  const generations = (): number[] => store.pointer?.generations.map(({ generation }) => generation) ?? [];
  const text = (result: Result): string => result.text.join('\n');

  it('is told exactly one thing to do', () => {
    const wrong = [
      [],
      ['--list', '--rollback', '1'],
      ['--rules', 'a', '--withhold', 'b'],
      ['--list', '--events', 'e'],
      ['--resume', 'all', '--events', 'e'],
      ['--rollback', '1', '--deployed'],
    ];
    for (const argv of wrong) assert.throws(() => actionOf(parseFlags(rulesPublishFlags, argv)), UsageError);
    assert.throws(() => actionOf(parseFlags(rulesPublishFlags, ['--rules', 'F', '--list'])), /^UsageError: only one of/);
  });

  it('says what changes in a rule, value by value, but not who owns it', async () => {
    await publishing(fileOf({ id: 'a' }, { id: 'b', owner: 'me' }), '--yes');
    const when = { type: ['cancelled'], channel: ['web'] };
    const result = await publishing(
      fileOf({ id: 'a', version: 2, count: { atLeast: 2, within: 'PT10M' }, when }, { id: 'b', owner: 'you' }),
    );
    assert.match(text(result), /a +v1 live → v2 live +begins empty.*; when\.channel - → \["web"\]; count\.atLeast 3 → 2$/m);
    assert.match(text(result), /b +v1 live → v1 live +keeps its memory$/m);
  });

  it('writes nothing until --yes, and shows what each rule would go through', async () => {
    assert.ok(!(await publishing(fileOf({ id: 'stays' }, { id: 'raised' }, { id: 'goes' }), '--yes')).refused);
    const before = structuredClone([store.pointer, store.audits.length, store.objects.size]);
    const result = await publishing(
      fileOf({ id: 'raised', version: 2, mode: 'shadow' }, { id: 'new', mode: 'off' }, { id: 'stays', owner: 'me' }),
    );
    assert.equal(result.refused, false);
    assert.deepEqual([store.pointer, store.audits.length, store.objects.size], before);
    assert.deepEqual(result.figures['changes'], [
      { id: 'raised', before: 'v1 live', after: 'v2 shadow', change: 'new', warmingMs: 600_000 },
      { id: 'new', before: undefined, after: 'v1 off', change: 'off' },
      { id: 'stays', before: 'v1 live', after: 'v1 live', change: 'keeps' },
      { id: 'goes', change: 'gone', before: 'v1 live', after: undefined },
    ]);
    assert.match(text(result), /raised +v1 live → v2 shadow +begins empty, its alerts say warming for 600 s/);
  });

  it("publishes a minute ahead behind the build's rules, with an audit of who, what and where", async () => {
    const content = fileOf({ id: 'one' });
    const { figures } = await publishing(content, '--yes');
    assert.deepEqual([figures['generation'], figures['activeFrom']], [2, start + 60_000]);
    const { hash, publishedBy } = newestOf(store.pointer as RulesPointer);
    assert.equal(store.objects.get(hash)?.toString(), content);
    assert.equal(publishedBy, 'tester');
    const audit = store.audits.at(-1);
    assert.deepEqual([audit?.action, audit?.by, audit?.details['generation'], audit?.details['account']], ['publish', 'tester', 2, '123']);
    assert.deepEqual(generations(), [1, 2]);
  });

  it('refuses a file with any mistake, each with its line and column, and one that is not there', async () => {
    const result = await publishing(fileOf({ id: 'UPPER', severity: 'bad' as 'low' }), '--yes');
    assert.ok(result.refused);
    assert.match(text(result), /rules\.0\.id \(line \d+, column \d+\)[\s\S]*rules\.0\.severity \(line \d+, column \d+\)/);
    assert.equal(store.pointer, undefined);
    await assert.rejects(run('--rules', join(folder, 'missing.json')), /there is no such file/);
  });

  it('refuses another rule under a version that was ever listed, but not another owner', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    await publishing(fileOf({ id: 'b' }), '--yes');
    const changed = await publishing(fileOf({ id: 'b' }, { id: 'a', severity: 'low' }), '--yes');
    assert.ok(changed.refused);
    assert.match(text(changed), /generation 2: rule a: both files say version 1, but differ in severity: raise version/);
    assert.equal((await publishing(fileOf({ id: 'b' }, { id: 'a', owner: 'me', description: 'x' }), '--yes')).refused, false);
    assert.deepEqual(generations(), [1, 2, 3, 4]);
  });

  it('has nothing to do for the content that is the newest already', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    const again = await publishing(fileOf({ id: 'a' }), '--yes');
    assert.deepEqual([again.refused, again.figures['published'], generations()], [false, false, [1, 2]]);
  });

  it('shows over a sample of events which alerts would come and go', async () => {
    const events = [0, 1, 2].map((i) => JSON.stringify(bookingEvent({ bookingId: `b-${i}`, occurredAt: start + i * 1_000 })));
    const sample = await written('events.ndjson', `${events.join('\n')}\n`);
    const result = await publishing(fileOf({ id: 'a', count: { atLeast: 2, within: 'PT10M' } }), '--events', sample);
    const { difference } = result.figures['backtest'] as { difference: { onlyBefore: number; onlyAfter: number } };
    assert.deepEqual([difference.onlyBefore, difference.onlyAfter], [1, 2]);
    assert.match(text(result), /only after/);
    await assert.rejects(publishing(fileOf({ id: 'a' }), '--events', await written('none.ndjson', '{}\n')), /no line is an event/);
  });

  it('rolls back by publishing that content again, as a new generation', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    await publishing(fileOf({ id: 'a', version: 2, severity: 'low' }), '--yes');
    now += 5_000;
    const result = await run('--rollback', '2', '--yes');
    assert.deepEqual(result.figures['generation'], 4);
    assert.match(text(result), /a +v2 live → v1 live +begins empty/);
    const [, second, , fourth] = store.pointer?.generations ?? [];
    assert.deepEqual([fourth?.hash, fourth?.activeFrom], [second?.hash, now + 60_000]);
    assert.equal(store.audits.at(-1)?.action, 'rollback');
    assert.match(text(await run('--rollback', '9')), /there is no generation 9/);
  });

  it('withholds and resumes by rule and altogether, only what exists, and not without --yes', async () => {
    await publishing(fileOf({ id: 'a' }, { id: 'b' }), '--yes');
    const withheldAfter = async (...argv: string[]) => {
      const { refused } = await run(...argv);
      return refused ? 'refused' : store.pointer?.withheld;
    };
    assert.deepEqual(await withheldAfter('--withhold', 'b'), [], 'a dry run');
    assert.deepEqual(await withheldAfter('--withhold', 'b', '--yes'), ['b']);
    assert.deepEqual(await withheldAfter('--withhold', 'a', '--yes'), ['a', 'b']);
    assert.deepEqual(await withheldAfter('--withhold', 'typo', '--yes'), 'refused');
    assert.deepEqual(await withheldAfter('--resume', 'a', '--yes'), ['b']);
    assert.deepEqual(await withheldAfter('--withhold', 'all', '--yes'), 'all');
    assert.deepEqual(await withheldAfter('--resume', 'b', '--yes'), 'refused');
    assert.deepEqual(await withheldAfter('--resume', 'all', '--yes'), []);
    const { version } = store.pointer as RulesPointer;
    assert.deepEqual(await withheldAfter('--resume', 'all', '--yes'), []);
    assert.equal(store.pointer?.version, version, 'nothing to write');
    assert.deepEqual(
      store.audits.slice(-2).map(({ action }) => action),
      ['withhold', 'resume'],
    );
  });

  it('can withhold while the object store is away', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    store.objects.clear();
    await run('--withhold', 'a', '--yes');
    assert.deepEqual(store.pointer?.withheld, ['a']);
    await run('--withhold', 'all', '--yes');
    assert.deepEqual(store.pointer?.withheld, 'all');
  });

  it('can withhold before anything was published', async () => {
    await run('--withhold', 'all', '--yes');
    assert.deepEqual([store.pointer?.withheld, generations()], ['all', [1]]);
  });

  it('lists what was published, what is in force, pending, invalid and withheld', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    now += 60_000;
    const hash = await store.putRules(Buffer.from('no rules'));
    const audit: RulesAudit = { at: now, by: 'x', action: 'publish', details: {} };
    await store.writePointer(withGeneration(store.pointer as RulesPointer, { hash, now, by: 'x' }), audit);
    await run('--withhold', 'a', '--yes');
    const lines = (await run('--list')).text;
    assert.match(lines[0] ?? '', /^ +3 +pending .* by x .*INVALID/);
    assert.match(lines[1] ?? '', /^ +2 +in force .* by tester .*a\/1$/);
    assert.match(lines[2] ?? '', /^ +1 +replaced +from the beginning/);
    assert.match(lines[3] ?? '', /alerts of a are stored, not published/);
  });

  it('says so when somebody else wrote meanwhile, and writes nothing', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    const path = await written('other.json', fileOf({ id: 'b' }));
    const put = store.putRules.bind(store);
    store.putRules = async (bytes) => {
      store.putRules = put;
      await run('--withhold', 'a', '--yes');
      return put(bytes);
    };
    await assert.rejects(run('--rules', path, '--yes'), /somebody else published or withheld meanwhile/);
    assert.deepEqual(generations(), [1, 2]);
  });

  it('looks whether a write that was not answered has happened', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    const write = store.writePointer.bind(store);
    const noAnswer = new PlatformError('TABLE_UNAVAILABLE', 'no answer', { retriable: true });
    store.writePointer = async (...of) => {
      await write(...of);
      throw noAnswer;
    };
    assert.equal((await publishing(fileOf({ id: 'b' }), '--yes')).figures['generation'], 3);
    store.writePointer = () => Promise.reject(noAnswer);
    await assert.rejects(publishing(fileOf({ id: 'c' }), '--yes'), /As of now it is not written/);
  });

  it('takes old generations off a long list when nothing needs them, and refuses to let it grow without end', async () => {
    for (let i = 0; i < 98; i++) {
      referenced = new Set([1]);
      await publishing(fileOf({ id: `rule-${i}` }), '--yes');
    }
    assert.equal(generations().length, 99);
    now += 100 * day;
    referenced = undefined;
    await publishing(fileOf({ id: 'hundredth' }), '--yes');
    assert.ok(notes.some((note) => note.includes('--state-table')));
    referenced = new Set([1]);
    const full = await publishing(fileOf({ id: 'too-many' }), '--yes');
    assert.ok(full.refused && /100 generations/.test(text(full)));
    referenced = new Set([99, 100]);
    await publishing(fileOf({ id: 'fits' }), '--yes');
    assert.deepEqual(generations(), [99, 100, 101], 'not in force for long enough, or needed');
  });

  it('keeps the rules in force on the list when everything newer is invalid', async () => {
    await publishing(fileOf({ id: 'in-force' }), '--yes');
    const audit: RulesAudit = { at: now, by: 'x', action: 'publish', details: {} };
    const hash = await store.putRules(Buffer.from('no rules'));
    for (let i = 0; i < 50; i++) await store.writePointer(withGeneration(store.pointer as RulesPointer, { hash, now, by: 'x' }), audit);
    now += 100 * day;
    await publishing(fileOf({ id: 'next' }), '--yes');
    assert.deepEqual([generations()[0], generations().length], [2, 52], 'only the first one has gone');
  });

  it('refuses the first rules of a newer schema until the build is said to be deployed; a rollback keeps the schema it has', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    await publishing(fileOf({ id: 'b' }), '--yes');
    schema = rulesSchemaVersion + 1;
    const refused = await publishing(fileOf({ id: 'c' }), '--yes');
    assert.ok(refused.refused && /Deploy this build to every detector first/.test(text(refused)));
    assert.equal((await run('--rollback', '2', '--yes')).refused, false);
    assert.equal((await publishing(fileOf({ id: 'c' }), '--deployed', '--yes')).refused, false);
    assert.deepEqual(store.pointer?.generations.map(schemaOf), [1, 1, 1, 1, 2]);
  });

  it('judges no rules of a newer schema than it knows, but can withhold their alerts', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    schema = rulesSchemaVersion + 1;
    await publishing(fileOf({ id: 'b' }), '--deployed', '--yes');
    for (const argv of [['--list'], ['--rollback', '2', '--yes']]) await assert.rejects(run(...argv), /generation 3 has a newer schema/);
    assert.equal((await run('--withhold', 'b', '--yes')).refused, false);
    assert.deepEqual([store.pointer?.withheld, store.pointer?.generations.map(schemaOf)], [['b'], [1, 1, 2]]);
  });

  describe('when a rules file is missing or corrupt', () => {
    const a = fileOf({ id: 'a' });
    const b = fileOf({ id: 'b' });
    const spoilt = Buffer.from('other bytes');
    const hashOfGeneration = (generation: number): string => store.pointer?.generations[generation - 1]?.hash ?? '';

    beforeEach(async () => {
      await publishing(a, '--yes');
      await publishing(b, '--yes');
    });

    it('lists every generation, says which it is, why and what to do', async () => {
      store.objects.delete(hashOfGeneration(2));
      store.objects.set(hashOfGeneration(3), spoilt);
      const { text: lines, figures, refused } = await run('--list');
      assert.equal(refused, false);
      assert.match(lines[0] ?? '', /^ +3 .*OBJECT_CORRUPT$/);
      assert.match(lines[1] ?? '', /^ +2 .*OBJECT_MISSING$/);
      assert.match(lines[2] ?? '', /^ +1 .*reserve-cancel-churn/);
      assert.match(lines.join('\n'), /Generation 2 cannot be read.*OBJECT_MISSING: no rules .*--rules FILE --yes/);
      assert.doesNotMatch(lines.join('\n'), /--objects/);
      const { generations: told } = figures as { generations: { generation: number; problem?: string; valid: boolean }[] };
      assert.deepEqual(
        told.map(({ generation, problem, valid }) => [generation, problem, valid]),
        [
          [3, 'OBJECT_CORRUPT', false],
          [2, 'OBJECT_MISSING', false],
          [1, undefined, true],
        ],
      );
    });

    for (const damage of ['missing', 'corrupt'] as const) {
      it(`puts one back that is ${damage} when the same bytes are published again, and publishes nothing`, async () => {
        for (const [generation, content] of [
          [2, a],
          [3, b],
        ] as const) {
          const hash = hashOfGeneration(generation);
          if (damage === 'missing') store.objects.delete(hash);
          else store.objects.set(hash, spoilt);
          const before = store.objects.get(hash);
          const dry = await publishing(content);
          assert.equal(store.objects.get(hash), before, 'a dry run');
          assert.match(text(dry), new RegExp(`generation ${generation} \\(OBJECT_${damage.toUpperCase()}\\).*--yes puts it back`));
          const { figures, refused } = await publishing(content, '--yes');
          assert.deepEqual([refused, figures['restored'], figures['published']], [false, [generation], false]);
          assert.equal(store.objects.get(hash)?.toString(), content);
          assert.deepEqual(generations(), [1, 2, 3]);
        }
      });
    }

    it("puts the build's own rules back by a rollback to them, which has their bytes", async () => {
      const own = store.objects.get(hashOfGeneration(1));
      store.objects.delete(hashOfGeneration(1));
      assert.match(text(await run('--list')), /--rollback 1 --yes/);
      assert.deepEqual((await run('--rollback', '1', '--yes')).figures['restored'], [1]);
      assert.deepEqual([store.objects.get(hashOfGeneration(1)), generations()], [own, [1, 2, 3]]);
    });

    it('rolls back to one that is intact, but not to one that is not', async () => {
      store.objects.delete(hashOfGeneration(3));
      const result = await run('--rollback', '2', '--yes');
      assert.deepEqual([result.refused, result.figures['generation'], result.figures['changes']], [false, 4, undefined]);
      assert.match(text(result), /what changes against generation 3 is not known[\s\S]*not compared with generation 3 \(OBJECT_MISSING\)/);
      const refused = await run('--rollback', '3', '--yes');
      assert.ok(refused.refused);
      assert.match(text(refused), /Generation 3 cannot be read.*OBJECT_MISSING/);
    });

    it('publishes other rules, and leaves out how they differ from those that cannot be read', async () => {
      store.objects.delete(hashOfGeneration(3));
      const sample = await written('one.ndjson', `${JSON.stringify(bookingEvent({ bookingId: 'b-1', occurredAt: start }))}\n`);
      const result = await publishing(fileOf({ id: 'c' }), '--events', sample, '--yes');
      assert.equal(result.figures['generation'], 4);
      assert.match(text(result), /of the rules to be published alone: generation 3 cannot be read/);
      assert.equal((result.figures['backtest'] as { difference: unknown }).difference, undefined);
    });

    it('replaces a corrupt file that no generation lists', async () => {
      const content = fileOf({ id: 'c' });
      const { hash } = (await publishing(content)).figures;
      store.objects.set(String(hash), spoilt);
      await publishing(content, '--yes');
      assert.equal(store.objects.get(String(hash))?.toString(), content);
    });

    it('can withhold a rule that only that file has', async () => {
      store.objects.delete(hashOfGeneration(3));
      assert.equal((await run('--withhold', 'b', '--yes')).refused, false);
    });

    it('asks whether it is the right object store when none is there, and takes the files back all the same', async () => {
      store.objects.clear();
      assert.match(text(await run('--list')), /none of the listed rules files is there: is --objects the object store/);
      assert.equal((await publishing(a, '--yes')).refused, false);
      assert.doesNotMatch(text(await run('--list')), /--objects/);
    });
  });

  it('does not publish into an object store that is not that of the detectors', async () => {
    await publishing(fileOf({ id: 'a' }), '--yes');
    store.objects.clear();
    await assert.rejects(
      publishing(fileOf({ id: 'b' }), '--yes'),
      (error) => error instanceof PlatformError && error.code === 'OBJECT_MISSING' && /is --objects/.test(error.message),
    );
  });
});
