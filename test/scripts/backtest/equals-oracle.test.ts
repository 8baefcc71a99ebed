import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { Backtest } from '../../../scripts/backtest/backtest.ts';
import type { ShardPlan } from '../../../scripts/backtest/flags.ts';
import { linesOf } from '../../../scripts/backtest/lines.ts';
import { naiveAlerts } from '../../../scripts/judge/naive-alerts.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { allKinds, asShard, randomEvents } from './random-file.ts';

/** By hand: BACKTEST_FILES=50 BACKTEST_EVENTS=20000 npx mocha --timeout 0 test/scripts/backtest/equals-oracle.test.ts */
const files = Number(process.env['BACKTEST_FILES'] ?? 1);
const eventsPerFile = Number(process.env['BACKTEST_EVENTS'] ?? 2_000);

const once: ShardPlan = { counts: [1], reshardAt: [], restartEvery: undefined };
const plans: Readonly<Record<string, ShardPlan>> = {
  'in one go': once,
  'with a restart every 997 events': { ...once, restartEvery: 997 },
  'over 1, then 4, then 2 shards': {
    ...once,
    counts: [1, 4, 2],
    reshardAt: [Math.floor(eventsPerFile / 3), Math.floor(eventsPerFile / 1.5)],
  },
  'over shards, with restarts': { counts: [3, 1, 5], reshardAt: [100, Math.floor(eventsPerFile / 2)], restartEvery: 503 },
};

for (let seed = 1; seed <= files; seed++) {
  describe(`a backtest of file ${seed}`, () => {
    let bytes = Buffer.alloc(0);
    let expected = '';

    before(() => {
      const events = randomEvents(seed, eventsPerFile);
      bytes = Buffer.concat(events.flatMap((event) => [encodeBookingEvent(event), Buffer.from('\n')]));
      const { alerts, skipped } = naiveAlerts({ shards: [asShard(events)], rules: allKinds });
      for (const { id, mode } of allKinds.rules) {
        assert.equal(
          alerts.some((alert) => alert.ruleId === id),
          mode !== 'off',
          id,
        );
      }
      assert.ok(skipped.late > 0 && skipped.duplicate > 0);
      expected = alerts.map((alert) => `${JSON.stringify(alert)}\n`).join('');
    });

    for (const [how, plan] of Object.entries(plans)) {
      it(`tells what the oracle tells, byte for byte, ${how}`, async () => {
        const backtest = new Backtest(allKinds, plan);
        let told = '';
        for await (const { lines } of linesOf(Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]))) {
          for (const line of lines) for (const alert of backtest.read(line)) told += `${JSON.stringify(alert)}\n`;
        }
        assert.ok(told === expected);
      });
    }
  });
}
