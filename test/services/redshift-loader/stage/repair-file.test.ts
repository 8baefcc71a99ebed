import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { createDeadLetters } from '../../../../services/lib/deadletter/dead-letters.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../../services/lib/events/booking-event-codec.ts';
import { isAfter, type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { fieldsOf } from '../../../../services/lib/warehouse/csv-records.ts';
import type { FileRow } from '../../../../services/redshift-loader/registry/registry-rows.ts';
import { stagedRowOf } from '../../../../services/redshift-loader/shard/staged-row.ts';
import { type Checked, findFaultyFiles } from '../../../../services/redshift-loader/stage/faulty-files.ts';
import { type RepairTools, replaceFile, rereadFile } from '../../../../services/redshift-loader/stage/repair-file.ts';
import { numbered, packFile, stageKey } from '../../../../services/redshift-loader/stage/stage-file.ts';
import { bookingEventOf, MemoryRegistry, MemoryStore } from '../memory.ts';

const at = (n: number): Position => (n === 0 ? trimHorizon : position(String(n)));
const shard = { application: 'loader', streamId: 'events@1', shardId: 's' };
const t0 = 1_800_000_000_000;

function record(n: number, readable = true): StreamRecord {
  const event = bookingEventOf(`b${n}`, 1);
  return {
    data: readable ? encodeBookingEvent(event) : Buffer.from('{'),
    partitionKey: event.userId,
    sequenceNumber: String(n),
    subSequenceNumber: 0,
    position: at(n),
    approximateArrivalTimestamp: t0 + n,
  };
}

/** A stream of records 1 to 9, the fifth unreadable; `trimmed` of them are gone. */
function setUp() {
  const registry = new MemoryRegistry();
  const store = new MemoryStore();
  const stream = Array.from({ length: 9 }, (_, i) => record(i + 1, i !== 4));
  const state = { trimmed: 0, ids: 0 };
  const gone = (): PlatformError => new PlatformError('STREAM_TRIMMED', 'gone');
  const tools: RepairTools = {
    ...shard,
    streamName: 'events',
    registry,
    objects: store,
    deadLetters: createDeadLetters(store, 'redshift-loader'),
    decode: decodeBookingEvent,
    newId: () => `new-${++state.ids}`,
    readGap: async function* (_shardId, after, upTo) {
      const left = stream.slice(state.trimmed);
      if (after !== trimHorizon && !left.some((r) => r.position === after)) throw gone();
      const found = left.filter((r) => isAfter(r.position, after) && !isAfter(r.position, upTo));
      for (const one of found) yield [one];
      if (!left.some((r) => r.position === upTo)) throw gone();
    },
  };
  /** As the shard would have staged it. */
  const stage = async (from: number, to: number): Promise<FileRow> => {
    const rows = stream.slice(from, to).flatMap((one) => {
      const outcome = stagedRowOf(one, decodeBookingEvent);
      return outcome.kind === 'ok' ? [outcome.value] : [];
    });
    const fileId = `f${from}`;
    const key = stageKey(shard, at(from), at(to), fileId);
    const { body, content } = await packFile(fileId, key, numbered(rows));
    if (body !== undefined) await store.create(key, body);
    const file: FileRow = { shardId: 's', fileId, from: at(from), to: at(to), registeredAt: t0, ...content };
    assert.equal(await registry.append(file), 'appended');
    return file;
  };
  const csvOf = (key = ''): string => gunzipSync(store.objects.get(key) ?? Buffer.alloc(0)).toString();
  const rowAt = async (from: number): Promise<FileRow | undefined> => (await registry.files('s', at(from), 1))[0];
  return { registry, store, state, tools, stage, csvOf, rowAt };
}

describe('repair of a file', () => {
  it('makes the same bytes again under another key, and stores again what was a dead letter', async () => {
    const t = setUp();
    await t.stage(0, 2);
    const file = await t.stage(2, 7);
    const before = t.csvOf(file.object?.key);
    t.store.objects.clear();
    const reread = await rereadFile(t.tools, file);
    assert.deepEqual([reread.rows.length, reread.lost, reread.since], [4, 0, undefined]);
    assert.equal(await replaceFile(t.tools, file, reread), 'replaced');
    const row = await t.rowAt(2);
    assert.notEqual(row?.object?.key, file.object?.key);
    assert.deepEqual({ ...row, object: undefined }, { ...file, object: undefined });
    assert.equal(t.csvOf(row?.object?.key), before);
    assert.deepEqual(
      [...t.store.objects.keys()].filter((key) => key.startsWith('deadletter/')),
      ['deadletter/redshift-loader/events/s/5-0.json'],
    );
  });

  it('leaves out lines that are in quarantine, and keeps the numbers of the others', async () => {
    const t = setUp();
    const file = await t.stage(0, 4);
    const line = { line: 2, reason: 'r', detail: 'd', content: 'c' };
    const without: FileRow = { ...file, rows: 3, quarantined: [line] };
    await t.registry.replaceObject(without, file.object?.key ?? '');
    await replaceFile(t.tools, without, await rereadFile(t.tools, without));
    const row = await t.rowAt(0);
    assert.deepEqual([row?.rows, row?.quarantined], [3, [line]]);
    assert.deepEqual(
      t
        .csvOf(row?.object?.key)
        .trimEnd()
        .split('\n')
        .map((text) => fieldsOf(text)[1]),
      ['1', '3', '4'],
    );
  });

  it('counts exactly what the stream no longer has, and keeps what it has with its numbers', async () => {
    const t = setUp();
    await t.stage(0, 2);
    const file = await t.stage(2, 7);
    t.state.trimmed = 3;
    const reread = await rereadFile(t.tools, file);
    assert.deepEqual([reread.rows.map(({ line }) => line), reread.lost, reread.since], [[2, 3, 4], 1, t0 + 4]);
    t.state.trimmed = 2;
    assert.equal((await rereadFile(t.tools, file)).lost, 0, 'the record before the range is gone, none of the range');
    t.state.trimmed = 7;
    assert.deepEqual(await rereadFile(t.tools, file), { rows: [], lost: 4 });
    assert.equal(await replaceFile(t.tools, file, { rows: [], lost: 4 }), 'replaced');
    const row = await t.rowAt(2);
    assert.deepEqual([row?.rows, row?.object, row?.occurred], [0, undefined, undefined]);
  });

  it('notices what is gone from the beginning of a shard, where reading starts at whatever is left', async () => {
    const t = setUp();
    const file = await t.stage(0, 4);
    t.state.trimmed = 3;
    const { rows, lost } = await rereadFile(t.tools, file);
    assert.deepEqual([rows.map(({ line }) => line), lost], [[4], 3]);
  });

  it('refuses when more rows come than were staged, as by a build that read a record otherwise', async () => {
    const t = setUp();
    const file = await t.stage(0, 4);
    await assert.rejects(rereadFile(t.tools, { ...file, rows: file.rows - 1 }), { code: 'WAREHOUSE_MISMATCH' });
  });

  it('changes nothing of a file that somebody else has replaced', async () => {
    const t = setUp();
    const file = await t.stage(0, 4);
    const reread = await rereadFile(t.tools, file);
    assert.equal(await replaceFile(t.tools, file, reread), 'replaced');
    const row = await t.rowAt(0);
    assert.equal(await replaceFile(t.tools, file, reread), 'lost');
    assert.deepEqual(await t.rowAt(0), row);
  });

  it('tells a stream that is away from one that was trimmed', async () => {
    const t = setUp();
    const file = await t.stage(0, 4);
    const away: RepairTools = {
      ...t.tools,
      readGap: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new PlatformError('STREAM_UNAVAILABLE', 'x')) }) }),
    };
    await assert.rejects(rereadFile(away, file), { code: 'STREAM_UNAVAILABLE' });
  });
});

describe('search for faulty files', () => {
  async function faults(t: ReturnType<typeof setUp>, watermark = 0): Promise<string[]> {
    const found: Checked[] = [];
    for await (const one of findFaultyFiles(t.registry, t.store, new Map([['s', at(watermark)]]))) found.push(one);
    const checked = found.reduce((sum, one) => sum + (one.kind === 'checked' ? one.files : 0), 0);
    return [`${checked} checked`, ...found.flatMap((one) => (one.kind === 'faulty' ? [`${one.file.fileId} ${one.fault}`] : []))];
  }

  it('finds what is missing or another, beyond the watermark', async () => {
    const t = setUp();
    const [, a, b, c] = [await t.stage(0, 1), await t.stage(1, 3), await t.stage(3, 5), await t.stage(5, 7)];
    t.store.objects.delete(b?.object?.key ?? '');
    t.store.objects.set(c?.object?.key ?? '', Buffer.from('another'));
    assert.deepEqual(await faults(t), ['4 checked', 'f3 missing', 'f5 corrupt']);
    assert.deepEqual(await faults(t, 5), ['1 checked', 'f5 corrupt']);
    assert.deepEqual(await faults(t, 7), ['0 checked']);
    assert.notEqual(a, undefined);
  });

  it('reads the file that a shard waits for: a damaged body may have kept its checksum', async () => {
    const t = setUp();
    const [a, b] = [await t.stage(0, 2), await t.stage(2, 4)];
    const read = t.store.read.bind(t.store);
    t.store.read = async (key) => {
      if (key === a.object?.key || key === b.object?.key) throw new PlatformError('OBJECT_CORRUPT', key);
      return read(key);
    };
    assert.deepEqual(await faults(t), ['2 checked', 'f0 corrupt']);
    assert.deepEqual(await faults(t, 2), ['1 checked', 'f2 corrupt']);
  });
});
