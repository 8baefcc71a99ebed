import assert from 'node:assert/strict';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { checkFlags, repairFlags } from '../../../scripts/repair/flags.ts';
import type { RepairPlace } from '../../../scripts/repair/place.ts';
import { repair } from '../../../scripts/repair/repair.ts';
import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { isAfter, position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { FileRow } from '../../../services/redshift-loader/registry/registry-rows.ts';
import { bookingEventOf, MemoryRegistry, MemoryStore } from '../../services/redshift-loader/memory.ts';

const t0 = Date.UTC(2026, 10, 23);

/** Shards of ten records each, every file of five; the first is loaded, the object of the second is missing. */
async function setUp({ shards = ['a'], trimmed = 0 } = {}) {
  const registry = new MemoryRegistry();
  const objects = new MemoryStore();
  const content = { rows: 5, csvBytes: 1, registeredAt: 1, occurred: [t0, t0 + 5] as const, oldestArrival: t0 };
  for (const shardId of shards) {
    const first: FileRow = {
      shardId,
      fileId: `${shardId}1`,
      from: trimHorizon,
      to: position('5'),
      ...content,
      object: { key: `${shardId}/1`, size: 1, sha256: '' },
    };
    const second: FileRow = {
      ...first,
      fileId: `${shardId}2`,
      from: position('5'),
      to: position('10'),
      object: { key: `${shardId}/2`, size: 1, sha256: '' },
    };
    await registry.append(first);
    await registry.append(second);
  }
  const place: RepairPlace = {
    registry,
    objects,
    warehouse: {
      dialect: 'postgres',
      connect: async () => ({
        dialect: 'postgres',
        query: async () => ({ rows: shards.map((shard) => ({ shard, position: position('5') })), affected: 0, command: 'SELECT' }),
        copyIn: async () => {},
        close: async () => {},
      }),
    },
    tools: {
      application: 'loader',
      streamId: 'events@1',
      streamName: 'events',
      registry,
      objects,
      deadLetters: createDeadLetters(objects, 'redshift-loader'),
      decode: decodeBookingEvent,
      newId: () => `id-${objects.objects.size}`,
      readGap: async function* (shardId, after, upTo) {
        for (let n = trimmed + 1; n <= 10; n++) {
          const event = bookingEventOf(`${shardId}-${n}`, 1);
          const at = position(String(n));
          if (isAfter(at, upTo)) return;
          if (n === trimmed + 1 && after !== trimHorizon && isAfter(at, after)) throw new PlatformError('STREAM_TRIMMED', 'gone');
          if (!isAfter(at, after)) continue;
          const names = { partitionKey: event.userId, sequenceNumber: String(n), subSequenceNumber: 0, position: at };
          yield [{ data: encodeBookingEvent(event), ...names, approximateArrivalTimestamp: t0 + n }];
        }
      },
    },
    place: { stage: 'local' },
    close: () => {},
  };
  const out: string[] = [];
  const notes: string[] = [];
  const run = async (...argv: string[]) => {
    out.length = notes.length = 0;
    const io = {
      out: (line: string) => out.push(line),
      note: (line: string) => notes.push(line),
      now: () => t0,
      signal: new AbortController().signal,
      operator: 'ann',
    };
    return repair(parseFlags(repairFlags, argv), place, io);
  };
  const audits = (): string[] => [...objects.objects].filter(([key]) => key.startsWith('audit/repair/')).map(([, body]) => body.toString());
  const rowsOf = async (shardId: string) => (await registry.files(shardId, position('5'), 1))[0]?.rows;
  return { registry, objects, out, notes, run, audits, rowsOf };
}

describe('npm run repair', () => {
  it('lists what is faulty beyond the watermark and changes nothing without --yes', async () => {
    const t = await setUp();
    assert.equal(await t.run(), 1);
    assert.deepEqual(t.out, ['missing  5 rows  a/2']);
    assert.match(t.notes.join('\n'), /1 files wait to be loaded, 1 are missing or corrupt\nNothing was changed/);
    assert.equal(t.objects.objects.size, 0);
  });

  it('makes them again, each with an audit object, and finds nothing afterwards', async () => {
    const t = await setUp({ shards: ['a', 'b'] });
    assert.equal(await t.run('--yes'), 0);
    assert.deepEqual(t.out, ['repaired  5 rows  a/2', 'repaired  5 rows  b/2']);
    assert.equal(t.audits().length, 2);
    assert.match(t.audits()[0] ?? '', /"command":"repair".*"operator":"ann".*"stage":"local".*"shard":"a".*"rowsLeft":5/);
    assert.equal(await t.run('--json'), 0);
    assert.deepEqual(JSON.parse(t.out[0] ?? ''), {
      type: 'result',
      ok: true,
      dryRun: true,
      checked: 2,
      faulty: 0,
      repaired: 0,
      rowsLost: 0,
      stage: 'local',
      files: [],
    });
  });

  it('says what the stream has lost, leaves the file alone, and registers the rest only when that is accepted', async () => {
    const t = await setUp({ trimmed: 7 });
    assert.equal(await t.run('--yes'), 1);
    assert.deepEqual(t.out, ['left  5 rows, 2 of them lost  a/2']);
    assert.match(
      t.notes.join('\n'),
      /lost 2 of the 5 rows .* arrived from 2026-11-23T00:00:00.000Z until 2026-11-23T00:00:00.008Z; .* happened between/,
    );
    assert.deepEqual([t.audits(), await t.rowsOf('a')], [[], 5]);
    assert.equal(await t.run('--yes', '--accept-loss', '--json'), 0);
    const result = JSON.parse(t.out[0] ?? '') as { rowsLost: number; repaired: number };
    assert.deepEqual([result.rowsLost, result.repaired, await t.rowsOf('a'), t.audits().length], [2, 1, 3, 1]);
  });

  it('registers a file of which nothing is left as one without rows, once that is accepted', async () => {
    const t = await setUp({ trimmed: 10 });
    assert.equal(await t.run('--yes', '--accept-loss'), 0);
    assert.deepEqual([t.out, await t.rowsOf('a')], [['lost  5 rows, 5 of them lost  a/2'], 0]);
  });

  it('is not a failure when somebody else was first', async () => {
    const t = await setUp();
    t.registry.replaceObject = async () => 'lost';
    assert.equal(await t.run('--yes'), 0);
    assert.deepEqual(t.out, ['moved on  5 rows  a/2']);
  });

  it('refuses flags that do not go together', () => {
    for (const argv of [['--accept-loss'], ['--stage', 'prod', '--kinesis', 'http://127.0.0.1:1']]) {
      assert.throws(() => checkFlags(parseFlags(repairFlags, argv)), UsageError);
    }
    checkFlags(parseFlags(repairFlags, ['--accept-loss', '--yes']));
  });
});
