import assert from 'node:assert/strict';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { untilAnswered } from '../../../../services/lib/state/until-answered.ts';
import { tableAway } from './memory.ts';

function setUp(failures: number, error: Error = tableAway()) {
  const pauses: number[] = [];
  const logged: string[] = [];
  let calls = 0;
  const call = async (): Promise<string> => {
    if (calls++ < failures) throw error;
    return 'answer';
  };
  const log = createLogger('test', 'info', (line) => logged.push(line));
  return { call, pauses, logged, calls: () => calls, patience: { log, random: () => 1, pause: async (ms: number) => pauses.push(ms) } };
}

describe('a call that must be answered', () => {
  it('is repeated for as long as it takes, with growing pauses up to 5 s, and each time is logged', async () => {
    const { call, patience, pauses, logged } = setUp(60);
    assert.equal(await untilAnswered('read', call, patience), 'answer');
    assert.equal(pauses.length, 60);
    assert.ok(pauses.every((ms, i) => ms >= (pauses[i - 1] ?? 0)) && (pauses[0] ?? 0) < 1_000, String(pauses));
    assert.equal(Math.max(...pauses), 5_000);
    assert.equal(logged.filter((line) => line.includes('state.retry')).length, 60);
  });

  it('is not repeated when waiting cannot cure what it rejects with', async () => {
    for (const error of [new RangeError('a defect'), new PlatformError('TABLE_UNAVAILABLE', 'a defect: no such table')]) {
      const { call, patience, calls } = setUp(1, error);
      await assert.rejects(untilAnswered('read', call, patience), /a defect/);
      assert.equal(calls(), 1);
    }
  });

  it('is given up as soon as nobody needs the answer any more', async () => {
    const { call, patience, calls } = setUp(1_000);
    const nobody = new AbortController();
    const pause = async () => calls() === 3 && nobody.abort(new Error('abandoned'));
    await assert.rejects(untilAnswered('write', call, { ...patience, pause, signal: nobody.signal }), /abandoned/);
    assert.equal(calls(), 3);
  });

  for (const what of ['an answer', 'a pause']) {
    it(`is given up at once though ${what} never comes to an end, and what becomes of it is nobody’s`, async () => {
      const { patience } = setUp(0);
      const nobody = new AbortController();
      let fail: (error: Error) => void = () => {};
      const endless = () => new Promise<never>((_, reject) => (fail = reject));
      const call = what === 'a pause' ? () => Promise.reject(tableAway()) : endless;
      const answered = untilAnswered('write', call, { ...patience, pause: endless, signal: nobody.signal });
      setImmediate(() => nobody.abort(new Error('abandoned')));
      await assert.rejects(answered, /abandoned/);
      fail(new Error('too late')); // an unhandled rejection would fail the run
    });
  }
});
