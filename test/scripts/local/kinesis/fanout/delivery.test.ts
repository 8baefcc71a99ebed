import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { transports } from '../rig.ts';
import { type BareReader, BareStream } from './bare-subscription.ts';
import { FanoutRig } from './fanout-rig.ts';

type Step =
  | { readonly do: 'append'; readonly records: number; readonly bytes: number; readonly elsewhere: boolean }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'take' }
  /** `keep`: share of the events that the reader had dealt with before it came back. */
  | { readonly do: 'resume'; readonly at: boolean; readonly isSlow: boolean; readonly keep: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    records: fc.integer({ min: 1, max: 4 }),
    bytes: fc.constantFrom(16, 300_000),
    elsewhere: fc.boolean(),
  }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(10, 500, 6_000) }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({
    do: fc.constant('resume' as const),
    at: fc.boolean(),
    isSlow: fc.boolean(),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

const typeOf = (at: boolean) => (at ? 'AT_SEQUENCE_NUMBER' : 'AFTER_SEQUENCE_NUMBER');

describe('SubscribeToShard, resumed at continuation numbers', () => {
  it('delivers each record once and in order, whatever is appended, forgotten and waited for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 20 }), async (limits, steps) => {
        const stream = new BareStream(limits);
        const delivered: string[] = [];
        let appended = 0;
        let standsAt: string | undefined;
        let reader: BareReader = stream.subscribe(0);
        const settle = (keep: number) => {
          const events = reader.pushed.slice(0, Math.ceil(reader.pushed.length * keep));
          delivered.push(...events.flatMap(({ texts }) => texts));
          standsAt = events.at(-1)?.continuation ?? standsAt;
        };
        for (const one of steps) {
          if (one.do === 'take') reader.take();
          else if (one.do === 'pass') stream.clock.advance(one.ms);
          else if (one.do === 'append') {
            for (let i = 0; i < one.records; i++) {
              if (one.elsewhere) stream.append('elsewhere', 9, stream.stream.shards[1]);
              stream.append(`${appended++}`.padEnd(16, '.'), one.bytes);
            }
          } else {
            settle(one.keep);
            reader = standsAt === undefined ? stream.subscribe(0, one.isSlow) : stream.resume(typeOf(one.at), standsAt, one.isSlow);
          }
          await turn();
        }
        const before = delivered.length;
        for (let i = 0; i < 1_000 && before + reader.pushed.flatMap(({ texts }) => texts).length < appended; i++) {
          reader.take();
          await stream.pass(100, 100);
        }
        settle(1);
        assert.deepEqual(
          delivered.map((text) => Number.parseInt(text, 10)),
          Array.from({ length: appended }, (_, i) => i),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('goes on at an idle moment although all before it was trimmed since', async () => {
    const stream = new BareStream(false, 4 * 1_114_112);
    stream.append('old');
    const reader = stream.subscribe(0);
    stream.append('elsewhere', 9, stream.stream.shards[1]);
    stream.clock.advance(5_000);
    const idle = reader.pushed.at(-1);
    assert.equal(idle?.texts.length, 0);
    for (let i = 0; i < 10; i++) stream.append(`${i}`, 1_048_575);
    for (const type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const { pushed } = stream.resume(type, idle?.continuation ?? '');
      assert.deepEqual(
        pushed.flatMap(({ texts }) => texts.map((text) => Number.parseInt(text, 10))),
        [6, 7, 8, 9],
      );
    }
    await turn();
  });

  for (const transport of transports) {
    it(`is what a caller of the SDK finds over ${transport}`, async () => {
      const rig = await FanoutRig.open({ transport, limits: false });
      const delivered: string[] = [];
      let position: Parameters<FanoutRig['subscribe']>[0] = { Type: 'TRIM_HORIZON' };
      for (let round = 0; round < 12; round++) {
        const reader = await rig.subscribe(position);
        await rig.put('s', [
          { key: 'k', data: `${3 * round}` },
          { key: 'k', data: `${3 * round + 1}` },
        ]);
        delivered.push(...(await reader.texts(2)));
        const SequenceNumber = reader.continuation ?? '';
        position = { Type: typeOf(round % 2 === 0), SequenceNumber };
        await rig.put('s', [{ key: 'k', data: `${3 * round + 2}` }]);
        if (round % 3 === 0) await reader.leave();
        rig.pass(5_000);
        const late = await rig.subscribe(position);
        delivered.push(...(await late.texts(1)));
        position = { Type: typeOf(round % 2 === 1), SequenceNumber: late.continuation ?? '' };
        rig.pass(5_000);
      }
      assert.deepEqual(
        delivered,
        Array.from({ length: 36 }, (_, i) => `${i}`),
      );
      const iterator = await rig.iterator('s', rig.shardId, {
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: position.SequenceNumber,
      });
      assert.deepEqual((await rig.get(iterator)).Records, []);
      await rig.stop();
    });
  }
});
