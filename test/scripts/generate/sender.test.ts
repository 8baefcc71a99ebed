import assert from 'node:assert/strict';
import type { KinesisClient, PutRecordsCommand, PutRecordsResultEntry } from '@aws-sdk/client-kinesis';
import type { PlannedRecord } from '../../../scripts/generate/planned-record.ts';
import type { SentRecord } from '../../../scripts/generate/send-log.ts';
import { Sender } from '../../../scripts/generate/sender.ts';

type Answer = (data: string[], call: number) => (PutRecordsResultEntry | undefined)[] | Error;

/** A stream that answers as told; `taken` is what it holds. */
function stream(answer: Answer) {
  const taken: string[] = [];
  const requests: string[][] = [];
  const kinesis = {
    send: async (command: PutRecordsCommand) => {
      const data = (command.input.Records ?? []).map((r) => Buffer.from(r.Data ?? []).toString());
      requests.push(data);
      const answers = answer(data, requests.length);
      if (answers instanceof Error) throw answers;
      const Records = data.map((d, i) => {
        const refused = answers[i];
        if (refused !== undefined) return refused;
        taken.push(d);
        return { ShardId: 'shardId-000000000000', SequenceNumber: String(taken.length) };
      });
      return { Records };
    },
  } as unknown as KinesisClient;
  return { kinesis, taken, requests };
}

const plan = (count: number, bytes = 10): PlannedRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    sendAt: 0,
    target: 'changes',
    partitionKey: `key-${i}`,
    data: Buffer.from(`${i}`.padEnd(bytes, '.')),
    label: { expect: 'routed', eventIds: [`e${i}`] },
  }));

async function send(
  records: PlannedRecord[],
  answer: Answer,
  signal = new AbortController().signal,
  now = Date.now,
  maxSilenceMs?: number,
) {
  const to = stream(answer);
  const log: SentRecord[] = [];
  const sender = new Sender({
    kinesis: to.kinesis,
    streams: { changes: 'booking-changes', events: 'booking-events' },
    onSent: (record) => log.push(record),
    now,
    random: () => 0,
    ...(maxSilenceMs === undefined ? {} : { maxSilenceMs }),
  });
  await sender.run(records, signal);
  return { ...to, log, figures: sender.figures };
}

const refused: PutRecordsResultEntry = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow down' };

describe('sender', () => {
  it('puts again only the entries that were refused, and logs each acknowledged position once', async () => {
    const { taken, requests, log, figures } = await send(plan(3), (_, call) => (call === 1 ? [undefined, refused, undefined] : []));
    assert.deepEqual(
      requests.map((r) => r.length),
      [3, 1],
    );
    assert.deepEqual(
      taken.map((d) => Number.parseInt(d, 10)).sort((a, b) => a - b),
      [0, 1, 2],
    );
    assert.deepEqual(
      log.map((r) => r.sequenceNumber),
      ['1', '2', '3'],
    );
    assert.deepEqual(
      log.map((r) => r.label.eventIds[0]),
      ['e0', 'e2', 'e1'],
    );
    assert.deepEqual([figures.sent, figures.refused, figures.unanswered], [3, 1, 0]);
  });

  it('puts everything again when there was no answer', async () => {
    const { taken, log, figures } = await send(plan(2), (_, call) => (call === 1 ? new Error('socket hang up') : []));
    assert.equal(taken.length, 2);
    assert.equal(log.length, 2);
    assert.equal(figures.unanswered, 1);
  });

  it('fails at once on a request that can never succeed', async () => {
    const gone = Object.assign(new Error('no such stream'), { name: 'ResourceNotFoundException' });
    await assert.rejects(
      send(plan(1), () => gone),
      /no such stream/,
    );
  });

  it('keeps requests within 500 entries and 4 MiB', async () => {
    const many = await send(plan(1_201), () => []);
    assert.ok(many.requests.every((r) => r.length <= 500));
    assert.equal(many.taken.length, 1_201);
    const large = await send(plan(10, 1_000_000), () => []);
    assert.deepEqual(
      large.requests.map((r) => r.length),
      [4, 4, 2],
    );
  });

  it('waits until a record is due', async () => {
    const [record] = plan(1);
    assert.ok(record);
    const sendAt = Date.now() + 120;
    const { log } = await send([{ ...record, sendAt }], () => []);
    assert.ok((log[0]?.answeredAt ?? 0) >= sendAt);
  });

  it('fails when nothing is acknowledged for longer than it may take', async () => {
    let time = 0;
    const hurried = () => (time += 200);
    const failing = send(plan(2), () => new Error('connection refused'), new AbortController().signal, hurried, 3_000);
    await assert.rejects(failing, /nothing was acknowledged for 3 s: 2 records wait/);
  });

  it('counts the silence from the last acknowledgement, and not while nothing waits for one', async () => {
    const [first, second] = plan(2);
    assert.ok(first && second);
    const later = { ...second, sendAt: Date.now() + 400 };
    const { taken } = await send([first, later], () => [], new AbortController().signal, Date.now, 200);
    assert.equal(taken.length, 2);
  });

  it('gives up soon after an abort when nothing is acknowledged any more', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    let time = 0;
    const hurried = () => (time += 200);
    const { log } = await send(plan(2), () => new Error('connection refused'), stop.signal, hurried);
    assert.equal(log.length, 0);
  });
});
